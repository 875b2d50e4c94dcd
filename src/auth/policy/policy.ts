import type { ClaimName } from '../../config/claim-name.ts';
import type { ForwardConfig, RouteRules, TokenPlace } from '../../config/config.ts';
import { isSymmetric, tokenAlgorithms } from '../../keys/algorithms.ts';
import { grant } from '../permit.ts';
import type { OutlinedClaims } from '../read/outlined-claims.ts';
import { TokenPlaces, tracesOf } from '../read/token-place.ts';
import { rejections } from '../rejections.ts';
import type { Permit, Rejection, TokenTraces } from '../verdict.ts';
import { IdentityHeaders } from './identity.ts';
import type { Issuer } from './issuer.ts';
import { LoggedClaims } from './logged-claims.ts';
import { type RateClaims, RateKeys } from './rate-keys.ts';
import { RequestKey } from './request-key.ts';
import { Rules } from './rules.ts';

/** The demands of a route on a token, and the fields that it adds for upstream. Routes that agree on both share a policy. */
export class Policy {
  /** The verdict of a route that checks nothing: the permit of a public one, or the rejection of one that denies. */
  readonly fixedVerdict: Permit | Rejection | undefined;
  /** The permit of every valid token, on routes without rules on which tokens share a permit; undefined on others. */
  readonly plainPermit: Permit | undefined;
  /** The permit of every token that meets the rules, where nothing in it depends on the token; undefined on others. */
  readonly sharedPermit: Permit | undefined;
  /** Undefined: the route accepts every valid token. */
  readonly rules: Rules | undefined;
  /** The issuer of a route that has a single one. */
  readonly soleIssuer: Issuer | undefined;
  readonly identity: IdentityHeaders;
  /** Undefined: no claim decides which server gets a request. */
  readonly key: RequestKey | undefined;
  /** Undefined: the access log has no claims. */
  readonly logged: LoggedClaims | undefined;
  /** Undefined: no claim decides how many requests may come. */
  readonly rates: RateKeys | undefined;
  readonly stripToken: boolean;
  /** Where tokens may stand; undefined: only in `Authorization: Bearer`. */
  readonly places: TokenPlaces | undefined;
  /** The parts of a token at these places that upstream does not get. */
  readonly traces: TokenTraces | undefined;
  /** Algorithms that at least one issuer of the route accepts. */
  readonly algorithms: ReadonlySet<string>;
  /** Whether one of them is an HMAC. Such a token is verified at once and never waits. */
  readonly takesHmac: boolean;
  /** Bytes of the longest `iss` among the route's issuers. */
  readonly #longestName: number;
  readonly #byName = new Map<string, Issuer[]>();
  readonly #anyName: Issuer[] = [];

  /**
   * @param issuers undefined: a public route, which ignores the Authorization header; none: a route that denies.
   * @param places undefined: tokens stand in `Authorization: Bearer`.
   */
  constructor(
    issuers: readonly Issuer[] | undefined,
    forward: ForwardConfig,
    require: RouteRules | undefined = undefined,
    places: readonly TokenPlace[] | undefined = undefined,
    keyClaim: ClaimName | undefined = undefined,
    loggedClaims: readonly ClaimName[] | undefined = undefined,
    rateClaims: RateClaims | undefined = undefined,
  ) {
    this.places = places === undefined ? undefined : new TokenPlaces(places);
    this.traces = places === undefined ? undefined : tracesOf(places, forward.token);
    this.stripToken = issuers !== undefined && places === undefined && forward.token === 'strip';
    this.identity = new IdentityHeaders(forward);
    const { fixed } = this.identity;
    if (issuers === undefined) this.fixedVerdict = grant(fixed, false);
    else this.fixedVerdict = issuers.length === 0 ? rejections.denied : undefined;
    this.rules = require === undefined ? undefined : new Rules(require);
    this.key = keyClaim === undefined ? undefined : new RequestKey(keyClaim);
    this.logged = loggedClaims === undefined ? undefined : new LoggedClaims(loggedClaims);
    this.rates = rateClaims === undefined ? undefined : new RateKeys(rateClaims);
    const isOwn = this.key !== undefined || this.logged !== undefined || this.rates !== undefined;
    const isShared = this.identity.isFixed && !isOwn;
    this.sharedPermit = isShared ? grant(fixed, this.stripToken, this.traces) : undefined;
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
   * The issuer whose rules and keys apply to a token with these claims. Issuers whose name is exactly the `iss` come
   * first; issuers with `issuer: any` count only when there is none. Among several, the first that accepts the `aud`.
   */
  pick(iss: unknown, aud: unknown): Issuer | Rejection {
    const candidates = this.#issuersOf(typeof iss === 'string' ? iss : undefined);
    if (candidates.length === 0) return rejections.issuer;
    for (const issuer of candidates) if (issuer.audience.accepts(aud)) return issuer;
    return rejections.audience;
  }

  /** `pick` for claims that have been outlined and not parsed. */
  pickOutlined(claims: OutlinedClaims): Issuer | Rejection {
    const candidates = this.#issuersOf(
      this.#byName.size === 0 ? undefined : claims.issuer(this.#longestName),
    );
    if (candidates.length === 0) return rejections.issuer;
    for (const issuer of candidates) if (issuer.audience.acceptsOutlined(claims)) return issuer;
    return rejections.audience;
  }

  #issuersOf(iss: string | undefined): readonly Issuer[] {
    const named = iss === undefined ? undefined : this.#byName.get(iss);
    return named ?? this.#anyName;
  }
}
