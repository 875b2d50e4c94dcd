import type { ClaimName } from '../../config/claim-name.ts';
import type { ForwardConfig, IssuerConfig, RouteRules, TokenPlace } from '../../config/config.ts';
import type { AudienceNames } from '../read/audience-names.ts';
import { Issuer } from './issuer.ts';
import { Policy } from './policy.ts';
import type { RateClaims } from './rate-keys.ts';

/** The part of a route's configuration that makes its policy. */
export interface PolicyConfig {
  readonly auth: 'none' | readonly string[];
  readonly forward: ForwardConfig;
  readonly require?: RouteRules | undefined;
  readonly token?: readonly TokenPlace[] | undefined;
  /** The claim by which the route's upstream chooses a server; undefined: no claim decides. */
  readonly keyClaim?: ClaimName | undefined;
  /** The claims that the access log has; undefined: none. */
  readonly loggedClaims?: readonly ClaimName[] | undefined;
  /** The claims by which the requests of the route are counted; undefined: none. */
  readonly rateClaims?: RateClaims | undefined;
}

/** The issuers of a configuration, and the policies of its routes. */
export class Policies {
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #policies = new Map<string, Policy>();

  /** @param audiences gets the audiences of every issuer. */
  constructor(issuers: ReadonlyMap<string, IssuerConfig>, audiences: AudienceNames) {
    this.#issuers = new Map(Array.from(issuers, ([name, config]) => [name, new Issuer(config, audiences)]));
  }

  get issuers(): Iterable<Issuer> {
    return this.#issuers.values();
  }

  /** Throws when the configuration has no issuer of this name. */
  issuer(name: string): Issuer {
    const issuer = this.#issuers.get(name);
    if (issuer === undefined) throw new Error(`no issuer is called ${name}`);
    return issuer;
  }

  /**
   * The policy of a route. Routes that demand and forward the same share one, so that a remembered verdict serves all
   * of them. Throws when the configuration has no issuer of a name in `auth`.
   */
  of(config: PolicyConfig): Policy {
    const { auth, forward, require, token, keyClaim, loggedClaims, rateClaims } = config;
    const added = [[...forward.headers], forward.payload, [...(forward.set ?? [])]];
    const counted = rateClaims?.claims;
    const key = JSON.stringify([auth, token, forward.token, added, require, keyClaim, loggedClaims, counted]);
    let policy = this.#policies.get(key);
    if (policy === undefined) {
      const issuers = auth === 'none' ? undefined : auth.map((name) => this.issuer(name));
      policy = new Policy(issuers, forward, require, token, keyClaim, loggedClaims, rateClaims);
      this.#policies.set(key, policy);
    }
    return policy;
  }
}
