import type { Config, RevocationConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { PostHandler, Revocations } from '../types.ts';
import { AdminEndpoint } from './admin-endpoint.ts';
import { FusionAuthWebhook } from './fusionauth-webhook.ts';
import { Journal } from './journal.ts';
import { MarkReader } from './mark-reader.ts';
import { RedisLink } from './redis.ts';
import { Register } from './register.ts';
import type { Source } from './revocation.ts';
import { RevocationList } from './revocation-list.ts';
import { TokenLives } from './token-lives.ts';

export interface DeskOptions {
  readonly config: Config;
  readonly revocation: RevocationConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** The claims of a JWT with a good signature of FusionAuth; undefined for any other. */
  readonly verify: (token: string) => Readonly<Record<string, unknown>> | undefined;
  /** Is told when FusionAuth's keys may have changed. */
  readonly onKeysChanged: () => void;
}

/** Everything about revocation in one gateway: what is in force, where it is kept, who may tell of more. */
export class Desk {
  readonly list: Revocations;
  readonly register: Register;
  readonly endpoint: AdminEndpoint | undefined;
  readonly webhook: FusionAuthWebhook | undefined;
  readonly #link: RedisLink | undefined;
  readonly #redisRequired: boolean;

  constructor(options: DeskOptions) {
    const { config, revocation, clock, log } = options;
    const { issuers, state } = config;
    const { secret, entries, tokenLifeMs, fusionauth, redis } = revocation;
    const lives = new TokenLives({ issuers, tokenLifeMs });
    const issuerNames = fusionauth === undefined ? [] : lives.alike(fusionauth.issuer);
    const marks = new MarkReader({
      fusionauth: new Set(issuerNames),
      tokenLife: lives.tokenLife,
      onLongLife: (issuer, seconds) =>
        log.warn(
          { issuer, seconds },
          'a token lives longer than revocation.tokenLife and may outlive its revocation',
        ),
    });
    const list = new RevocationList({ limit: entries, marks });
    const journal = state === undefined ? undefined : new Journal(state, log);
    this.list = list;
    const register = new Register({
      list,
      journal,
      publish: (told) => this.#link?.publish(told),
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
        onRevocations: (told) => void register.accept(told, 'redis'),
      });
    }
    this.endpoint = secret === undefined ? undefined : new AdminEndpoint({ secret, register, lives, clock });
    if (fusionauth !== undefined) {
      const { verify, onKeysChanged } = options;
      this.webhook = new FusionAuthWebhook({
        issuers: issuerNames,
        verify,
        onKeysChanged,
        register,
        lives,
        clock,
        log,
      });
    }
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
    const troubles = this.register.troubles();
    if (!this.#redisRequired || this.#link?.inSync === true) return troubles;
    return [...troubles, 'Redis is not to be had, so revocations are not shared'];
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
