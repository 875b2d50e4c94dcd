import type { Rejection } from '../types.ts';
import type { Access } from './access.ts';
import { Issuer } from './issuer.ts';
import { type Lifetime, readLifetime } from './lifetime.ts';
import { rejections } from './rejections.ts';
import type { Scratch } from './scratch.ts';
import type { KeyChoice } from './signature.ts';
import { type JsonObject, member, parseObject } from './strict-json.ts';
import { type TokenType, tokenType } from './token-type.ts';

/**
 * Characters of a token; real ones stay below 4 KiB, and the head that carries it is 16 KiB by default. One less
 * than 16 KiB, because V8 hashes longer strings by their length alone, which would make the map of tokens under
 * verification slow at an attacker's will.
 */
const MAX_TOKEN = 16 * 1024 - 1;
/** Header segments remembered; one per key and token type in use. */
const MAX_HEADERS = 256;
/** Characters of a header segment worth remembering; one with certificates in it is decoded each time. */
const MAX_HEADER_SEGMENT = 1024;

interface HeaderFacts {
  readonly algorithm: unknown;
  readonly kid: string | undefined;
  readonly type: TokenType;
  /** Why the header disqualifies the token once its claims have been judged. */
  readonly fault: Rejection | undefined;
}

/** A token that has passed every check which needs no signature; nothing in it is proven yet. */
export interface Candidate {
  readonly kind: 'candidate';
  /** The Authorization value in its canonical spelling: `Bearer`, one space, the token. */
  readonly authorization: string;
  readonly token: string;
  readonly access: Access;
  readonly issuer: Issuer;
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly type: TokenType;
  readonly choice: KeyChoice;
  readonly lifetime: Lifetime;
  readonly claims: JsonObject;
  /** Identity headers for the route; undefined when a claim cannot be written as one. */
  readonly identity: string | undefined;
}

/** Every check before the key has been passed, and the issuer has keys, but not the one that the token names. */
export interface UnknownKey {
  readonly kind: 'unknown-key';
  readonly issuer: Issuer;
}

/** The checks before the signature, in their order; see `examine`. */
export class Gate {
  readonly #haproxyOrder: boolean;
  readonly #scratch: Scratch;
  readonly #headers = new Map<string, HeaderFacts>();

  constructor(haproxyOrder: boolean, scratch: Scratch) {
    this.#haproxyOrder = haproxyOrder;
    this.#scratch = scratch;
  }

  /**
   * Judges a token up to its signature: number and length of segments, header, `alg`, payload, `iss`, `aud`, then
   * `crit`, the spelling of the signature and the key. `ambiguous` says that a second Authorization header stood
   * beside it. In HAProxy's order these structural faults count only when it would look at the signature, so that
   * a fault it reports earlier is the one reported.
   */
  examine(
    authorization: string,
    token: string,
    ambiguous: boolean,
    access: Access,
  ): Candidate | UnknownKey | Rejection {
    const first = token.indexOf('.');
    const second = first < 0 ? -1 : token.indexOf('.', first + 1);
    const third = second < 0 ? -1 : token.indexOf('.', second + 1);
    const structure = structuralFault(ambiguous, token.length, second >= 0 && third < 0);
    if (structure !== undefined && !this.#haproxyOrder) return structure;

    const header = this.#readHeader(first < 0 ? token : token.slice(0, first));
    if (header === undefined) return rejections.headerMalformed;
    const { algorithm } = header;
    if (typeof algorithm !== 'string' || !access.algorithms.has(algorithm)) return rejections.algorithm;

    const payload = first < 0 ? '' : token.slice(first + 1, second < 0 ? token.length : second);
    const claims = this.#readObject(payload);
    if (claims === undefined) return rejections.payloadMalformed;
    const issuer = access.pick(member(claims, 'iss'), member(claims, 'aud'));
    if (!(issuer instanceof Issuer)) return issuer;
    if (!issuer.algorithms.has(algorithm)) return rejections.algorithm;

    if (structure !== undefined) return structure;
    if (header.fault !== undefined) return header.fault;
    if (second === token.length - 1) return rejections.signature;
    if (!this.#scratch.isCanonical(token.slice(second + 1))) return rejections.extension;
    const choice = issuer.choose(algorithm, header.kid);
    if (choice === undefined) {
      return issuer.hasKeys ? { kind: 'unknown-key', issuer } : rejections.keysUnavailable;
    }

    return {
      kind: 'candidate',
      authorization,
      token,
      access,
      issuer,
      algorithm,
      kid: header.kid,
      type: header.type,
      choice,
      lifetime: readLifetime(claims, issuer.config),
      claims,
      identity: access.identity.render(claims, payload),
    };
  }

  /**
   * Remembers the header of a token whose signature has been verified: all tokens of one key share it. Headers of
   * unverified tokens are never kept, so that nobody without a key can push these out.
   */
  remember({ token, algorithm, kid, type }: Candidate): void {
    const end = token.indexOf('.');
    if (end > MAX_HEADER_SEGMENT) return;
    const segment = token.slice(0, end);
    if (this.#headers.has(segment)) return;
    if (this.#headers.size >= MAX_HEADERS) {
      for (const oldest of this.#headers.keys()) {
        this.#headers.delete(oldest);
        break;
      }
    }
    this.#headers.set(this.#scratch.copy(segment), {
      algorithm,
      kid,
      type,
      fault: undefined,
    });
  }

  #readObject(segment: string): JsonObject | undefined {
    const text = this.#scratch.decode(segment);
    return text === undefined ? undefined : parseObject(text);
  }

  #readHeader(segment: string): HeaderFacts | undefined {
    const known = this.#headers.get(segment);
    if (known !== undefined) return known;
    const header = this.#readObject(segment);
    if (header === undefined) return undefined;
    const kid = member(header, 'kid');
    // RFC 7515 §4.1.11: an extension that is not understood must be refused, and none is. RFC 7797 §7 demands crit
    // with b64, so b64 without it is refused as well.
    const extended = Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64');
    const fault =
      extended || (kid !== undefined && typeof kid !== 'string') ? rejections.extension : undefined;
    return {
      algorithm: member(header, 'alg'),
      kid: typeof kid === 'string' ? kid : undefined,
      type: tokenType(member(header, 'typ')),
      fault,
    };
  }
}

function structuralFault(ambiguous: boolean, length: number, threeSegments: boolean): Rejection | undefined {
  if (ambiguous) return rejections.ambiguous;
  return length > MAX_TOKEN || !threeSegments ? rejections.structure : undefined;
}
