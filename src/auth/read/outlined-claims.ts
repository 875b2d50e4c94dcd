import type { AudienceNames } from './audience-names.ts';
import { ESCAPE_BYTES } from './json-escapes.ts';
import { Outline } from './json-outline.ts';
import { hasEscapes, isString, textOf } from './json-value.ts';

const ISS = 0;
const AUD = 1;
const EXP = 2;
/** Bytes of a number that can be a time. */
const MAX_NUMBER = 32;

/** Reads the three claims that are needed before the signature is verified, without parsing the payload. */
export class OutlinedClaims {
  readonly #outline = new Outline(['iss', 'aud', 'exp']);
  readonly #audiences: AudienceNames;
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether `#audiences` has read the `aud` of this token. */
  #hasReadAudience = false;

  constructor(audiences: AudienceNames) {
    this.#audiences = audiences;
  }

  /** @returns the result of `Outline.of`. Without a fault, the other methods read these bytes from now on. */
  read(bytes: Buffer, length: number): number {
    this.#bytes = bytes;
    this.#hasReadAudience = false;
    return this.#outline.of(bytes, length);
  }

  /** `iss` when it is a string of at most `longest` bytes; undefined otherwise. */
  issuer(longest: number): string | undefined {
    const [start, end] = [this.#start(ISS), this.#end(ISS)];
    const length = end - start - 2;
    if (!isString(this.#bytes, start) || length > longest * ESCAPE_BYTES) return undefined;
    if (length > longest && !hasEscapes(this.#bytes, start, end)) return undefined;
    return textOf(this.#bytes, start, end);
  }

  /** Lets `AudienceNames` read the `aud` of this token, once for all issuers. */
  readAudience(): void {
    if (this.#hasReadAudience) return;
    this.#hasReadAudience = true;
    this.#audiences.read(this.#bytes, this.#start(AUD), this.#end(AUD));
  }

  /** Seconds of `exp`: Infinity without one, NaN when it is not a number. */
  get expiry(): number {
    const [start, end] = [this.#start(EXP), this.#end(EXP)];
    if (start < 0) return Number.POSITIVE_INFINITY;
    if (isString(this.#bytes, start) || end - start > MAX_NUMBER) return Number.NaN;
    return Number(this.#bytes.toString('latin1', start, end));
  }

  #start(slot: number): number {
    return this.#outline.starts[slot] as number;
  }

  #end(slot: number): number {
    return this.#outline.ends[slot] as number;
  }
}
