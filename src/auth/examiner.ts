import { Issuer } from './policy/issuer.ts';
import type { Policy } from './policy/policy.ts';
import type { TokenType } from './policy/token-type.ts';
import { AudienceNames } from './read/audience-names.ts';
import { OutlinedClaims } from './read/outlined-claims.ts';
import { type JsonObject, member, parseCounted } from './read/strict-json.ts';
import type { TokenBuffer } from './read/token-buffer.ts';
import { TokenHeaders } from './read/token-header.ts';
import { rejections } from './rejections.ts';
import type { Rejection } from './verdict.ts';
import { isHmac, type KeyChoice } from './verify/signature.ts';

/**
 * Characters of a token; real ones stay below 4 KiB, and the head that carries it is 16 KiB by default. One less
 * than 16 KiB, because V8 hashes longer strings by their length alone, which would make the map of tokens under
 * verification slow at an attacker's will.
 */
const MAX_TOKEN = 16 * 1024 - 1;
/**
 * A token that has passed every check which needs no signature; nothing in it is proven yet. It may wait with thousands
 * of others, made up by a stranger, so it is kept as it came and nothing is made of what it says.
 */
export interface Candidate {
  readonly kind: 'candidate';
  /** The Authorization value in its canonical spelling: `Bearer`, one space, the token. */
  readonly authorization: string;
  readonly token: string;
  readonly policy: Policy;
  readonly issuer: Issuer;
  readonly algorithm: string;
  readonly choice: KeyChoice;
  /** Members of its claims, as they were counted. */
  readonly members: number;
  /** Seconds of `exp` as it says: Infinity without one, NaN when it is no number. */
  readonly expiry: number;
}

/** What a token says, when its signature is good. */
export interface Proven {
  readonly kind: 'proven';
  readonly type: TokenType;
  readonly claims: JsonObject;
  /** Its second segment. */
  readonly payload: string;
}

/** Every check before the key has been passed, and the issuer has keys, but not the one that the token names. */
export interface UnknownKey {
  readonly kind: 'unknown-key';
  readonly issuer: Issuer;
}

/** The checks before the signature, in their order; see `examine`. */
export class Examiner {
  /** Those of all issuers. */
  readonly audiences = new AudienceNames();
  readonly #haproxyOrder: boolean;
  readonly #buffer: TokenBuffer;
  readonly #headers: TokenHeaders;
  readonly #claims = new OutlinedClaims(this.audiences);

  constructor(haproxyOrder: boolean, buffer: TokenBuffer) {
    this.#haproxyOrder = haproxyOrder;
    this.#buffer = buffer;
    this.#headers = new TokenHeaders(buffer);
  }

  /**
   * Judges a token up to its signature: number and length of segments, header, `alg`, payload, `iss`, `aud`, then
   * `crit`, the spelling of the signature and the key. `ambiguous` says that a second Authorization header stood
   * beside it; `full`, that it could not wait for its signature, so that nothing is read for nothing. In HAProxy's order
   * these structural faults count only when it would look at the signature, so that a fault it reports earlier is the
   * one reported.
   */
  examine(
    authorization: string,
    token: string,
    ambiguous: boolean,
    policy: Policy,
    full: boolean,
  ): Candidate | UnknownKey | Rejection {
    const first = token.indexOf('.');
    const second = first < 0 ? -1 : token.indexOf('.', first + 1);
    const third = second < 0 ? -1 : token.indexOf('.', second + 1);
    const structure = structuralFault(ambiguous, token.length, second >= 0 && third < 0);
    if (structure !== undefined && !this.#haproxyOrder) return structure;
    if (full && !policy.takesHmac) return rejections.overloaded;

    const header = this.#headers.read(first < 0 ? token : token.slice(0, first));
    if (header === undefined) return rejections.headerMalformed;
    const { algorithm } = header;
    if (algorithm === undefined || !policy.algorithms.has(algorithm)) return rejections.algorithm;
    if (full && !isHmac(algorithm)) return rejections.overloaded;

    const payload = first < 0 ? '' : token.slice(first + 1, second < 0 ? token.length : second);
    const length = this.#buffer.load(payload);
    const members = length < 0 ? length : this.#claims.read(this.#buffer.bytes, length);
    if (members < 0) return rejections.payloadMalformed;
    const issuer = policy.pickOutlined(this.#claims);
    if (!(issuer instanceof Issuer)) return issuer;
    if (!issuer.algorithms.has(algorithm)) return rejections.algorithm;

    if (structure !== undefined) return structure;
    if (header.fault !== undefined) return header.fault;
    if (second === token.length - 1) return rejections.signature;
    // Before the signature takes its place in the working memory.
    const { expiry } = this.#claims;
    if (!this.#buffer.isCanonical(token.slice(second + 1))) return rejections.extension;
    const choice = issuer.choose(algorithm, header.kid);
    if (choice === undefined) {
      return issuer.hasKeysFor(algorithm) ? { kind: 'unknown-key', issuer } : rejections.keysUnavailable;
    }
    return {
      kind: 'candidate',
      authorization,
      token,
      policy,
      issuer,
      algorithm,
      choice,
      members,
      expiry,
    };
  }

  /** `kid` of a candidate. */
  kidOf({ token }: Candidate): string | undefined {
    return this.#headers.read(token.slice(0, token.indexOf('.')))?.kid;
  }

  /**
   * Reads a token whose signature is good. Refuses one that repeats a member, and one whose claims, now that they are
   * parsed, would lead to another issuer than those by which its key was chosen.
   */
  prove({ token, policy, issuer, members }: Candidate): Proven | Rejection {
    const first = token.indexOf('.');
    const header = this.#headers.prove(token.slice(0, first));
    if (header === undefined) return rejections.headerMalformed;
    const payload = token.slice(first + 1, token.indexOf('.', first + 1));
    // It was outlined before, so it has been found to be base64url and UTF-8.
    const claims = parseCounted(this.#buffer.known(payload), members);
    if (claims === undefined || policy.pick(member(claims, 'iss'), member(claims, 'aud')) !== issuer) {
      return rejections.payloadMalformed;
    }
    return { kind: 'proven', type: header.type, claims, payload };
  }
}

function structuralFault(ambiguous: boolean, length: number, threeSegments: boolean): Rejection | undefined {
  if (ambiguous) return rejections.ambiguous;
  return length > MAX_TOKEN || !threeSegments ? rejections.structure : undefined;
}
