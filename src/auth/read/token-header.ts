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
/** Bytes of `alg` as written; the longest name has seven characters, each of which an escape may write in six. */
const MAX_ALGORITHM = 64;
/** Bytes of `kid` as written, as many as a key's may have; a longer one is not read. */
const MAX_KID = 1024;
/** Stands for all that are too long: no key has it, and to look it up costs nothing. */
const NO_KID = '?'.repeat(MAX_KID + 1);
/** Headers remembered; one per key and token type in use. */
const MAX_HEADERS = 256;
/** Characters of a header segment worth remembering; one with certificates in it is decoded each time. */
const MAX_SEGMENT = 1024;

/** What a header says before the signature has been checked. */
export interface HeaderFacts {
  /** Undefined when it is no text, or none that is an algorithm's name. */
  readonly algorithm: string | undefined;
  readonly kid: string | undefined;
  /** Why the header disqualifies the token once its claims have been judged. */
  readonly fault: Rejection | undefined;
}

export interface ProvenHeader extends HeaderFacts {
  readonly type: TokenType;
}

/** Reads the headers of tokens, and remembers those that came with a good signature: all tokens of one key share it. */
export class TokenHeaders {
  readonly #buffer: TokenBuffer;
  readonly #outline = new Outline(['alg', 'kid', 'crit', 'b64'], HEADER_LIMITS);
  readonly #known = new Map<string, ProvenHeader>();

  constructor(buffer: TokenBuffer) {
    this.#buffer = buffer;
  }

  /** Undefined when the segment is no JSON object within its limits. Makes no object of it. */
  read(segment: string): HeaderFacts | undefined {
    const known = this.#find(segment);
    if (known !== undefined) return known;
    const length = this.#buffer.load(segment);
    return length < 0 || this.#outline.of(this.#buffer.bytes, length) < 0 ? undefined : this.#facts();
  }

  /** The same behind a good signature, with what only then is looked at; undefined too when any member is repeated. */
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
    // RFC 7515 §4.1.11: an extension that is not understood must be refused, and none is. RFC 7797 §7 demands crit
    // with b64, so b64 without it is refused as well.
    const extended = (starts[CRIT] as number) >= 0 || (starts[B64] as number) >= 0;
    const isStrange = kid === undefined && (starts[KID] as number) >= 0;
    const fault = extended || isStrange ? rejections.extension : undefined;
    return { algorithm: this.#algorithm(), kid, fault };
  }

  /** To look a long one up would mean to hash all of it, which takes as long as to read it. */
  #find(segment: string): ProvenHeader | undefined {
    return segment.length > MAX_SEGMENT ? undefined : this.#known.get(segment);
  }

  /** Only of verified tokens, so that a stranger without a key cannot push these out. */
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
