import type { ForwardConfig, RouteRules, TokenPlace } from '../../config/config.ts';
import { isSymmetric, tokenAlgorithms } from '../../keys/algorithms.ts';
import { grant } from '../permit.ts';
import type { OutlinedClaims } from '../read/outlined-claims.ts';
import { TokenPlaces, tracesOf } from '../read/token-place.ts';
import { rejections } from '../rejections.ts';
import type { Permit, Rejection, TokenTraces } from '../verdict.ts';
import { IdentityHeaders } from './identity.ts';
import type { Issuer } from './issuer.ts';
import { Rules } from './rules.ts';

/** What a route demands of a token and what it tells upstream; routes that agree on both share one. */
export class Policy {
  /** Set on public routes: nothing is checked. */
  readonly publicPermit: Permit | undefined;
  /** Set when the route has neither rules nor identity headers: one permit serves all its tokens, unseen. */
  readonly plainPermit: Permit | undefined;
  /** Set when the route has no identity headers: one permit serves all tokens that its rules let in. */
  readonly sharedPermit: Permit | undefined;
  /** Undefined: every valid token will do. */
  readonly rules: Rules | undefined;
  /** The issuer, when there is only one to choose from. */
  readonly soleIssuer: Issuer | undefined;
  readonly identity: IdentityHeaders;
  readonly stripToken: boolean;
  /** Where tokens may stand; undefined: `Authorization: Bearer` alone. */
  readonly places: TokenPlaces | undefined;
  /** What of a token at these places is kept from upstream. */
  readonly traces: TokenTraces | undefined;
  /** Algorithms that at least one issuer of the route accepts. */
  readonly algorithms: ReadonlySet<string>;
  /** Whether an HMAC is among these, which is checked at once and never waits. */
  readonly takesHmac: boolean;
  /** Bytes of the longest `iss` that an issuer of the route demands. */
  readonly #longestName: number;
  readonly #byName = new Map<string, Issuer[]>();
  readonly #anyName: Issuer[] = [];

  /** `issuers` undefined: a public route, on which the Authorization header is none of our business. */
  constructor(
    issuers: readonly Issuer[] | undefined,
    forward: ForwardConfig,
    require: RouteRules | undefined = undefined,
    places: readonly TokenPlace[] | undefined = undefined,
  ) {
    this.places = places === undefined ? undefined : new TokenPlaces(places);
    this.traces = places === undefined ? undefined : tracesOf(places, forward.token);
    this.stripToken = issuers !== undefined && places === undefined && forward.token === 'strip';
    this.identity = new IdentityHeaders(forward);
    const { fixed } = this.identity;
    this.publicPermit = issuers === undefined ? grant(fixed, false) : undefined;
    this.rules = require === undefined ? undefined : new Rules(require);
    this.sharedPermit = this.identity.empty ? grant(fixed, this.stripToken, this.traces) : undefined;
    this.plainPermit = this.rules === undefined ? this.sharedPermit : undefined;
    this.soleIssuer = issuers?.length === 1 ? issuers[0] : undefined;
    this.algorithms = new Set(issuers?.flatMap((issuer) => tokenAlgorithms(issuer.config.algorithms)));
    this.takesHmac = [...this.algorithms].some(isSymmetric);
    const names = issuers?.map(({ config }) => Buffer.byteLength(config.issuer ?? ''));
    this.#longestName = Math.max(0, ...(names ?? []));
    for (const issuer of issuers ?? []) {
      const name = issuer.config.issuer;
      const sameName = name === undefined ? this.#anyName : this.#byName.get(name);
      if (sameName !== undefined) sameName.push(issuer);
      else this.#byName.set(name as string, [issuer]);
    }
  }

  /**
   * The issuer whose rules and keys a token with these claims falls under. Issuers that name the token's `iss`
   * exactly decide alone; those with `issuer: any` are asked only when none does. Among several, the first whose
   * audience fits.
   */
  pick(iss: unknown, aud: unknown): Issuer | Rejection {
    const candidates = this.#named(typeof iss === 'string' ? iss : undefined);
    if (candidates.length === 0) return rejections.issuer;
    for (const issuer of candidates) if (issuer.audience.accepts(aud)) return issuer;
    return rejections.audience;
  }

  /** The same for claims that have been outlined and not parsed. */
  pickOutlined(claims: OutlinedClaims): Issuer | Rejection {
    const candidates = this.#named(this.#byName.size === 0 ? undefined : claims.issuer(this.#longestName));
    if (candidates.length === 0) return rejections.issuer;
    for (const issuer of candidates) if (issuer.audience.acceptsOutlined(claims)) return issuer;
    return rejections.audience;
  }

  #named(iss: string | undefined): readonly Issuer[] {
    const named = iss === undefined ? undefined : this.#byName.get(iss);
    return named ?? this.#anyName;
  }
}
