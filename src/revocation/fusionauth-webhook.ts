import { createHash } from 'node:crypto';
import type { PostHandler, PostHeaders, PostReply } from '../admin/post-handler.ts';
import type { Clock } from '../lib/clock.ts';
import { Counter } from '../lib/counters.ts';
import { LineRate } from '../lib/line-rate.ts';
import type { Log } from '../lib/log.ts';
import { type FusionAuthEvent, readEvent } from './fusionauth-event.ts';
import { MAX_AHEAD } from './revocation.ts';
import { SeenIds } from './seen-ids.ts';
import type { RevocationStore } from './store.ts';
import type { TokenLives } from './token-lives.ts';

/** Bytes of a body: an event holds a user with all data that applications have stored for that user. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Remembered events, 100 bytes each: more than arrive between an event and its repetition. A repetition is harmless. */
const SEEN_EVENTS = 10_000;

const SIGNATURE = 'x-fusionauth-signature-jwt';

export interface FusionAuthWebhookOptions {
  /** Names of the issuers whose tokens the webhooks revoke. */
  readonly issuers: () => readonly string[];
  /** The claims of a token with a good signature; undefined for any other. */
  readonly verify: (token: string) => Readonly<Record<string, unknown>> | undefined;
  /** Called when the issuers' keys may have changed; must return at once. `proven`: a signed event says so. */
  readonly onKeysChanged: (issuers: readonly string[], proven: boolean) => void;
  readonly store: RevocationStore;
  readonly lives: TokenLives;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * `POST /webhooks/fusionauth` revokes the tokens that FusionAuth's signed events name. Some operations of FusionAuth wait
 * for the reply, so the webhook waits only for the disk.
 */
export class FusionAuthWebhook implements PostHandler {
  readonly maxBytes = MAX_BODY_BYTES;
  readonly refused = new Counter();
  readonly #options: FusionAuthWebhookOptions;
  readonly #lines: LineRate;
  readonly #seen = new SeenIds(SEEN_EVENTS);

  constructor(options: FusionAuthWebhookOptions) {
    this.#options = options;
    this.#lines = new LineRate(options.clock);
  }

  refuse(headers: PostHeaders): PostReply | undefined {
    if (typeof headers[SIGNATURE] === 'string') return undefined;
    return this.#refuse(401, 'X-FusionAuth-Signature-JWT is missing: have the webhook signed');
  }

  async answer(headers: PostHeaders, body: Buffer): Promise<PostReply> {
    const claims = this.#options.verify(String(headers[SIGNATURE]));
    if (claims === undefined) {
      // The key may be new. FusionAuth sends the event again.
      this.#options.onKeysChanged(this.#options.issuers(), false);
      return this.#refuse(401, 'the signature is not good under the keys for webhooks');
    }
    const now = this.#options.clock.wall() / 1000;
    const obstacle = obstacleIn(claims, body, now);
    if (obstacle !== undefined) return this.#refuse(401, obstacle);
    const event = readEvent(body);
    if (event.kind === 'fault') return this.#refuse(400, event.fault);
    if (event.kind === 'other') return { status: 200, body: { ignored: event.type } };
    if (event.createdAt > now + MAX_AHEAD) return this.#refuse(400, 'event.createInstant lies ahead');
    if (this.#seen.has(event.id)) return { status: 200, body: { duplicate: true } };
    if (event.kind === 'keys-changed') this.#options.onKeysChanged(this.#options.issuers(), true);
    else {
      const failure = await this.#revoke(event);
      if (failure !== undefined) return failure;
    }
    this.#seen.add(event.id);
    return { status: 200, body: { accepted: true } };
  }

  async #revoke(event: FusionAuthEvent & { kind: 'revocation' }): Promise<PostReply | undefined> {
    const { issuers, lives, store } = this.#options;
    const { sub, sid, application, createdAt, tokenLife } = event;
    const marks = { jti: undefined, sub, sid, application };
    const revocations = issuers().map((issuer) => ({
      ...marks,
      issuer,
      before: createdAt,
      expiresAt: lives.end(issuer, createdAt, tokenLife),
    }));
    const acceptance = await store.accept(revocations, 'fusionauth');
    if (acceptance === 'done') return undefined;
    return this.#refuse(503, acceptance === 'full' ? 'no room for more revocations' : 'not saved');
  }

  #refuse(status: number, error: string): PostReply {
    this.refused.value += 1;
    // Strangers can send unsigned webhooks, so the log is limited; the counter counts all of them.
    const leftOut = this.#lines.next();
    if (leftOut !== undefined) {
      const more = leftOut === 0 ? {} : { leftOut };
      this.#options.log.warn({ status, error, ...more }, 'a webhook was refused');
    }
    return { status, body: { error } };
  }
}

/** Why a good signature does not fit this body now. The JWT usually has no times; if it has some, they apply. */
function obstacleIn(
  claims: Readonly<Record<string, unknown>>,
  body: Buffer,
  now: number,
): string | undefined {
  const hash = createHash('sha256').update(body).digest('base64');
  const { request_body_sha256: signed, exp, nbf } = claims;
  if (signed !== hash) return 'the body is not the one that was signed';
  if (exp !== undefined && !(typeof exp === 'number' && now < exp)) return 'the signature has expired';
  if (nbf !== undefined && !(typeof nbf === 'number' && now >= nbf)) return 'the signature is not valid yet';
  return undefined;
}
