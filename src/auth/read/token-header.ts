import { rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';
import { HEADER_LIMITS, Outline } from './json-outline.ts';
import { isString, textOf } from './json-value.ts';
import { member, parseCounted } from './strict-json.ts';
import type { TokenBuffer } from './token-buffer.ts';
import { type TokenType, tokenType } from './token-type.ts';

const ALG = 0;
const KID = 1;
const CRIT = 2;
const B64 = 3;
/** Bytes of `alg` as written. The longest name has seven characters, and an escape writes each in six. */
const MAX_ALGORITHM = 64;
/** Bytes of `kid` as written: the limit for the `kid` of a key. A longer one is not read. */
const MAX_KID = 1024;
/** Stands for every `kid` that is too long. No key has it, and the search for it costs nothing. */
const NO_KID = '?'.repeat(MAX_KID + 1);
/** Headers that are remembered: one for each key and type of token in use. */
const MAX_HEADERS = 256;
/** Characters of a header segment that is remembered. A header with certificates is decoded each time. */
const MAX_SEGMENT = 1024;

/** The content of a header, before the signature is verified. */
export interface HeaderFacts {
  /** Undefined when `alg` is absent, is not a string, or is longer than any name. */
  readonly algorithm: string | undefined;
  readonly kid: string | undefined;
  /** Why the token is refused for its header, after its issuer and audience have been checked. */
  readonly fault: Rejection | undefined;
}

export interface ProvenHeader extends HeaderFacts {
  readonly type: TokenType;
}

/**
 * Reads the headers of tokens. Remembers headers that came with a good signature: the tokens of one key share a header.
 */
export class TokenHeaders {
  readonly #buffer: TokenBuffer;
  readonly #outline = new Outline(['alg', 'kid', 'crit', 'b64'], HEADER_LIMITS);
  readonly #known = new Map<string, ProvenHeader>();

  constructor(buffer: TokenBuffer) {
    this.#buffer = buffer;
  }

  /** Reads a header without parsing it. Undefined unless the segment is a JSON object within the limits. */
  read(segment: string): HeaderFacts | undefined {
    const known = this.#find(segment);
    if (known !== undefined) return known;
    const length = this.#buffer.load(segment);
    return length < 0 || this.#outline.of(this.#buffer.bytes, length) < 0 ? undefined : this.#facts();
  }

  /** Parses the header of a token with a good signature. Undefined also when it repeats a member name. */
  prove(segment: string): ProvenHeader | undefined {
    const known = this.#find(segment);
    if (known !== undefined) return known;
    const length = this.#buffer.load(segment);
    if (length < 0) return undefined;
    const { bytes } = this.#buffer;
    const header = parseCounted(bytes.toString('utf8', 0, length), this.#outline.of(bytes, length));
    if (header === undefined) return undefined;
    const facts = { ...this.#facts(), type: tokenType(member(header, 'typ')) };
    this.#remember(segment, facts);
    return facts;
  }

  #facts(): HeaderFacts {
    const { starts } = this.#outline;
    const kid = this.#kid();
    // RFC 7515 §4.1.11: a token with an extension that is not understood must be refused, and none is understood here.
    // RFC 7797 §7 demands crit with b64: b64 without crit is refused too.
    const extended = (starts[CRIT] as number) >= 0 || (starts[B64] as number) >= 0;
    const isStrange = kid === undefined && (starts[KID] as number) >= 0;
    const fault = extended || isStrange ? rejections.extension : undefined;
    return { algorithm: this.#algorithm(), kid, fault };
  }

  /** Skips long segments: the search would hash all of it, which takes as long as reading it. */
  #find(segment: string): ProvenHeader | undefined {
    return segment.length > MAX_SEGMENT ? undefined : this.#known.get(segment);
  }

  /** Only for verified tokens: forged ones must not displace their headers. */
  #remember(segment: string, facts: ProvenHeader): void {
    if (segment.length > MAX_SEGMENT) return;
    if (this.#known.size >= MAX_HEADERS) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(this.#buffer.copy(segment), facts);
  }

  #algorithm(): string | undefined {
    const { bytes } = this.#buffer;
    const [start, end] = [this.#outline.starts[ALG] as number, this.#outline.ends[ALG] as number];
    return isString(bytes, start) && end - start <= MAX_ALGORITHM ? textOf(bytes, start, end) : undefined;
  }

  #kid(): string | undefined {
    const { bytes } = this.#buffer;
    const [start, end] = [this.#outline.starts[KID] as number, this.#outline.ends[KID] as number];
    if (!isString(bytes, start)) return undefined;
    return end - start - 2 > MAX_KID ? NO_KID : textOf(bytes, start, end);
  }
}
