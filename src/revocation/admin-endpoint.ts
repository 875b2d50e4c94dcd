import type { PostHandler, PostHeaders, PostReply } from '../admin/post-handler.ts';
import { BearerGuard } from '../lib/bearer-guard.ts';
import type { Clock } from '../lib/clock.ts';
import { Counter } from '../lib/counters.ts';
import { readRequest } from './revocation-request.ts';
import type { RevocationStore } from './store.ts';
import type { TokenLives } from './token-lives.ts';

/** Bytes of a body: some thousands of revocations. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface AdminEndpointOptions {
  readonly secret: string;
  readonly store: RevocationStore;
  readonly lives: TokenLives;
  readonly clock: Clock;
  /** Drops revocations that came only from Redis. */
  readonly drop: () => Promise<Dropped>;
}

/** The result of dropping the revocations from Redis. */
export interface Dropped {
  readonly dropped: number;
  /** The file does not hold them any more, so a restart does not bring them back. */
  readonly isSaved: boolean;
  /** Redis does not hold them any more. */
  readonly isRedisEmpty: boolean;
}

/**
 * `POST /revocations` revokes tokens for a bearer of the secret. `DELETE /revocations?source=redis` takes back the
 * revocations that came only from Redis, where every writer can invent some; revocations made here stay.
 */
export class AdminEndpoint implements PostHandler {
  readonly maxBytes = MAX_BODY_BYTES;
  readonly refused = new Counter();
  readonly #guard: BearerGuard;
  readonly #options: AdminEndpointOptions;

  constructor(options: AdminEndpointOptions) {
    this.#guard = new BearerGuard(options.secret, 'portcullis revocations');
    this.#options = options;
  }

  refuse(headers: PostHeaders): PostReply | undefined {
    const refusal = this.#guard.refusal(headers['authorization']) ?? wrongType(headers);
    if (refusal !== undefined) this.refused.value += 1;
    return refusal;
  }

  async answer(_headers: PostHeaders, body: Buffer): Promise<PostReply> {
    const { store, lives, clock } = this.#options;
    const request = readRequest(body, lives, clock.wall() / 1000);
    if ('fault' in request) {
      this.refused.value += 1;
      return { status: 400, body: { error: request.fault } };
    }
    const { revocations } = request;
    const acceptance = await store.accept(revocations, 'admin');
    if (acceptance === 'done') return { status: 200, body: { accepted: revocations.length } };
    this.refused.value += 1;
    const error =
      acceptance === 'full'
        ? 'no room: as many revocations as revocation.entries are in force; nothing was revoked'
        : 'in force, but not saved: a restart would lose it; try again';
    return { status: 503, body: { error }, headers: { 'retry-after': '5' } };
  }

  async remove(headers: PostHeaders, query: string): Promise<PostReply> {
    const refusal =
      this.#guard.refusal(headers['authorization']) ?? (query === 'source=redis' ? undefined : wrongQuery);
    if (refusal !== undefined) {
      this.refused.value += 1;
      return refusal;
    }
    const { dropped, isSaved, isRedisEmpty } = await this.#options.drop();
    if (isSaved && isRedisEmpty) return { status: 200, body: { dropped } };
    const error = isSaved
      ? 'dropped, but Redis was not reached and may send it again; try again'
      : 'dropped, but not on the disk: a restart would bring it back; try again';
    return { status: 503, body: { dropped, error }, headers: { 'retry-after': '5' } };
  }
}

const wrongQuery: PostReply = {
  status: 400,
  body: { error: 'the query must be source=redis; what was told to this gateway cannot be taken back' },
};

function wrongType({ 'content-type': type }: PostHeaders): PostReply | undefined {
  if (typeof type === 'string' && /^application\/json *(;|$)/i.test(type)) return undefined;
  return { status: 415, body: { error: 'the body must be application/json' } };
}
