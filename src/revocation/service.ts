import type { PostHandler } from '../admin/post-handler.ts';
import type { Config, IssuerConfig, RevocationConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { AdminEndpoint, type Dropped } from './admin-endpoint.ts';
import { ForeignLines } from './foreign-lines.ts';
import { FusionAuthWebhook } from './fusionauth-webhook.ts';
import { InForce } from './in-force.ts';
import { Journal } from './journal.ts';
import { RedisLink } from './redis.ts';
import type { Revocation, Source } from './revocation.ts';
import type { RevocationList } from './revocation-list.ts';
import { RevocationStore } from './store.ts';

export interface RevocationServiceOptions {
  readonly config: Config;
  readonly revocation: RevocationConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** See `ControlOptions.readOnly`. */
  readonly readOnly?: boolean | undefined;
  /** The claims of a JWT with a good signature of FusionAuth; undefined for any other. */
  readonly verify: (token: string) => Readonly<Record<string, unknown>> | undefined;
  /** Called when the keys of these issuers may have changed; `proven`: a signed event of FusionAuth says so. */
  readonly onKeysChanged: (issuers: readonly string[], proven: boolean) => void;
  /** See `RevocationStoreOptions.distribute`. */
  readonly distribute?: ((revocations: readonly Revocation[]) => Promise<void>) | undefined;
  /** See `RevocationStoreOptions.distributeDrop`. */
  readonly distributeDrop?: (() => Promise<void>) | undefined;
}

/** Revocation in one gateway: the list in force, its storage, and the sources of new revocations. */
export class RevocationService {
  readonly list: RevocationList;
  readonly store: RevocationStore;
  readonly endpoint: AdminEndpoint | undefined;
  readonly webhook: FusionAuthWebhook | undefined;
  readonly #link: RedisLink | undefined;
  readonly #lines: ForeignLines | undefined;
  readonly #redisRequired: boolean;
  readonly #inForce: InForce;

  constructor(options: RevocationServiceOptions) {
    const { config, revocation, clock, log, distribute, distributeDrop, readOnly } = options;
    const { issuers, state } = config;
    const { secret, fusionauth, redis, entries } = revocation;
    this.#inForce = new InForce({ issuers, revocation, log });
    const { list, lives } = this.#inForce;
    const journal = state === undefined ? undefined : new Journal(state, log, revocation.entries, readOnly);
    this.list = list;
    const store = new RevocationStore({
      list,
      journal,
      publish: (revocations) => this.#link?.publish(revocations),
      distribute,
      distributeDrop,
      clock,
      log,
    });
    this.store = store;
    this.#redisRequired = redis?.required === true;
    if (redis !== undefined) {
      this.#lines = new ForeignLines({ lives, clock, log, secret: redis.secret });
      this.#link = new RedisLink({
        url: redis.url,
        clock,
        log,
        lines: this.#lines,
        entries,
        known: () => list.all(),
        onRevocations: (revocations) => store.acceptForeign(revocations),
      });
    }
    this.endpoint =
      secret === undefined
        ? undefined
        : new AdminEndpoint({ secret, store, lives, clock, drop: () => this.#dropForeign() });
    if (fusionauth !== undefined) {
      const { verify, onKeysChanged } = options;
      this.webhook = new FusionAuthWebhook({
        issuers: () => lives.alike(fusionauth.issuer),
        verify,
        onKeysChanged,
        store,
        lives,
        clock,
        log,
      });
    }
  }

  /** Replaces the issuers. */
  setIssuers(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.#inForce.setIssuers(issuers);
    // Revocations in Redis for issuers that were unknown apply now.
    this.#link?.compareSoon();
  }

  /** Reads the stored revocations and catches up with other gateways. Rejects with the file system's error. */
  async open(): Promise<void> {
    await this.store.open();
    await this.#link?.open();
  }

  async close(): Promise<void> {
    await this.#link?.close();
    await this.store.close();
  }

  /** Problems for an operator, one sentence each. */
  troubles(): readonly string[] {
    const troubles = [...this.store.troubles()];
    if (this.#link?.isShort === true) {
      troubles.push(
        'revocations from Redis are not in force here because they may fill only nine tenths of revocation.entries: set the same number in every gateway or, if other programs write to that Redis, shut them out and DELETE /revocations?source=redis',
      );
    }
    if (this.#link?.isCut === true) {
      troubles.push(
        'Redis holds more revocations than are read: find the other programs that write to portcullis:revocations:all',
      );
    }
    if (this.#redisRequired && this.#link?.inSync !== true) {
      troubles.push('Redis is not available, so revocations are not shared');
    }
    return troubles;
  }

  /** Numbers of refused requests to revoke, by source. */
  *refused(): Generator<{ readonly source: Source; readonly count: number }> {
    if (this.endpoint !== undefined) yield { source: 'admin', count: this.endpoint.refused.value };
    if (this.webhook !== undefined) yield { source: 'fusionauth', count: this.webhook.refused.value };
    if (this.#lines !== undefined) yield { source: 'redis', count: this.#lines.refused.value };
  }

  /** Handlers for POST on the admin address by path. The webhook is among them if it has no address of its own. */
  adminPosts(webhookToo: boolean): ReadonlyMap<string, PostHandler> {
    const posts = new Map<string, PostHandler>();
    if (this.endpoint !== undefined) posts.set('/revocations', this.endpoint);
    if (webhookToo) for (const [path, handler] of this.webhookPosts()) posts.set(path, handler);
    return posts;
  }

  /** Empties Redis first; otherwise the dropped revocations would be read again. */
  async #dropForeign(): Promise<Dropped> {
    const isRedisEmpty = (await this.#link?.clear()) ?? true;
    const { dropped, acceptance } = await this.store.dropForeign();
    return { dropped, isSaved: acceptance === 'done', isRedisEmpty };
  }

  webhookPosts(): ReadonlyMap<string, PostHandler> {
    return new Map(this.webhook === undefined ? [] : [['/webhooks/fusionauth', this.webhook]]);
  }
}
