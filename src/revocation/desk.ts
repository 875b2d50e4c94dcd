import type { Config, IssuerConfig, RevocationConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { PostHandler } from '../types.ts';
import { AdminEndpoint } from './admin-endpoint.ts';
import { FusionAuthWebhook } from './fusionauth-webhook.ts';
import { InForce } from './in-force.ts';
import { Journal } from './journal.ts';
import { RedisLink } from './redis.ts';
import { Register } from './register.ts';
import type { Revocation, Source } from './revocation.ts';
import type { RevocationList } from './revocation-list.ts';

export interface DeskOptions {
  readonly config: Config;
  readonly revocation: RevocationConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** The claims of a JWT with a good signature of FusionAuth; undefined for any other. */
  readonly verify: (token: string) => Readonly<Record<string, unknown>> | undefined;
  /** Is told when the keys of these issuers may have changed; `proven`: FusionAuth says so, with a good signature. */
  readonly onKeysChanged: (issuers: readonly string[], proven: boolean) => void;
  /** See `RegisterOptions.spread`. */
  readonly spread?: ((revocations: readonly Revocation[]) => Promise<void>) | undefined;
}

/** Everything about revocation in one gateway: what is in force, where it is kept, who may tell of more. */
export class Desk {
  readonly list: RevocationList;
  readonly register: Register;
  readonly endpoint: AdminEndpoint | undefined;
  readonly webhook: FusionAuthWebhook | undefined;
  readonly #link: RedisLink | undefined;
  readonly #redisRequired: boolean;
  readonly #inForce: InForce;

  constructor(options: DeskOptions) {
    const { config, revocation, clock, log, spread } = options;
    const { issuers, state } = config;
    const { secret, fusionauth, redis } = revocation;
    this.#inForce = new InForce({ issuers, revocation, log });
    const { list, lives } = this.#inForce;
    const journal = state === undefined ? undefined : new Journal(state, log, revocation.entries);
    this.list = list;
    const register = new Register({
      list,
      journal,
      publish: (told) => this.#link?.publish(told),
      spread,
      clock,
      log,
    });
    this.register = register;
    this.#redisRequired = redis?.required === true;
    if (redis !== undefined) {
      this.#link = new RedisLink({
        url: redis.url,
        clock,
        log,
        known: () => list.all(),
        onRevocations: (told) => register.share(told),
      });
    }
    this.endpoint = secret === undefined ? undefined : new AdminEndpoint({ secret, register, lives, clock });
    if (fusionauth !== undefined) {
      const { verify, onKeysChanged } = options;
      this.webhook = new FusionAuthWebhook({
        issuers: () => lives.alike(fusionauth.issuer),
        verify,
        onKeysChanged,
        register,
        lives,
        clock,
        log,
      });
    }
  }

  /** Other issuers sign tokens from now on. */
  follow(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.#inForce.follow(issuers);
  }

  /** Reads what was kept and catches up with other gateways. Rejects with the file system's error. */
  async open(): Promise<void> {
    await this.register.open();
    await this.#link?.open();
  }

  async close(): Promise<void> {
    await this.#link?.close();
    await this.register.close();
  }

  /** What an operator has to see to, one sentence each. */
  troubles(): readonly string[] {
    const troubles = [...this.register.troubles()];
    if (this.#link?.isShort === true) {
      troubles.push(
        'revocations of other gateways are not in force here because revocation.entries are; make it the same everywhere',
      );
    }
    if (this.#redisRequired && this.#link?.inSync !== true) {
      troubles.push('Redis is not to be had, so revocations are not shared');
    }
    return troubles;
  }

  /** Requests to revoke that were refused, by source. */
  *refused(): Generator<{ readonly source: Source; readonly count: number }> {
    if (this.endpoint !== undefined) yield { source: 'admin', count: this.endpoint.refused.value };
    if (this.webhook !== undefined) yield { source: 'fusionauth', count: this.webhook.refused.value };
  }

  /** Paths with what takes POST on the admin address; the webhook's when it has no address of its own. */
  adminPosts(webhookToo: boolean): ReadonlyMap<string, PostHandler> {
    const posts = new Map<string, PostHandler>();
    if (this.endpoint !== undefined) posts.set('/revocations', this.endpoint);
    if (webhookToo) for (const [path, handler] of this.webhookPosts()) posts.set(path, handler);
    return posts;
  }

  webhookPosts(): ReadonlyMap<string, PostHandler> {
    return new Map(this.webhook === undefined ? [] : [['/webhooks/fusionauth', this.webhook]]);
  }
}
