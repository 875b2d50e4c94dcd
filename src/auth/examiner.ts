import { isSymmetric } from '../keys/algorithms.ts';
import type { Candidate } from './candidate.ts';
import { Issuer } from './policy/issuer.ts';
import type { Policy } from './policy/policy.ts';
import type { AudienceNames } from './read/audience-names.ts';
import { OutlinedClaims } from './read/outlined-claims.ts';
import type { TokenBuffer } from './read/token-buffer.ts';
import type { TokenHeaders } from './read/token-header.ts';
import { rejections } from './rejections.ts';
import type { Rejection } from './verdict.ts';

/**
 * Characters of a token. Real tokens stay below 4 KiB, and the head that carries one has 16 KiB by default. One less
 * than 16 KiB, because V8 hashes longer strings by their length alone: an attacker could make maps of such tokens slow.
 */
const MAX_TOKEN = 16 * 1024 - 1;

/** A token that has passed every check before the key. The issuer has keys, but not the key that the token names. */
export interface UnknownKey {
  readonly kind: 'unknown-key';
  readonly issuer: Issuer;
}

export interface ExaminerOptions {
  /** `rejection: haproxy`, see `checks`. */
  readonly haproxyOrder: boolean;
  readonly buffer: TokenBuffer;
  readonly headers: TokenHeaders;
  /** The audiences of all issuers. */
  readonly audiences: AudienceNames;
}

/** The checks of a token before its signature. */
export class Examiner {
  readonly #haproxyOrder: boolean;
  readonly #buffer: TokenBuffer;
  readonly #headers: TokenHeaders;
  readonly #claims: OutlinedClaims;

  constructor({ haproxyOrder, buffer, headers, audiences }: ExaminerOptions) {
    this.#haproxyOrder = haproxyOrder;
    this.#buffer = buffer;
    this.#headers = headers;
    this.#claims = new OutlinedClaims(audiences);
  }

  /**
   * Examines a token up to its signature, in the order of `checks`.
   * @param authorization the canonical spelling of the Authorization value with this token.
   * @param ambiguous whether the request carries a second Authorization header.
   * @param full there is no room to wait for the verification of a signature: the token is then refused unread.
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
    if (full && !isSymmetric(algorithm)) return rejections.overloaded;

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
    // Read before the signature replaces the claims in the buffer.
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

  /** The `kid` of a candidate. */
  kidOf({ token }: Candidate): string | undefined {
    return this.#headers.read(token.slice(0, token.indexOf('.')))?.kid;
  }
}

function structuralFault(ambiguous: boolean, length: number, threeSegments: boolean): Rejection | undefined {
  if (ambiguous) return rejections.ambiguous;
  return length > MAX_TOKEN || !threeSegments ? rejections.structure : undefined;
}
