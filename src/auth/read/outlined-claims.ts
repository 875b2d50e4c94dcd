import type { Audience } from '../policy/audience.ts';
import type { AudienceNames } from './audience-names.ts';
import { ESCAPE_BYTES } from './json-escapes.ts';
import { Outline } from './json-outline.ts';
import { hasEscapes, isString, textOf } from './json-value.ts';

const ISS = 0;
const AUD = 1;
const EXP = 2;
/** Characters of a number that can be a time. */
const MAX_NUMBER = 32;

/** The claims on which it depends whose keys a token is checked with, where they stand in its payload; nothing is made of the others. */
export class OutlinedClaims {
  readonly #outline = new Outline(['iss', 'aud', 'exp']);
  readonly #audiences: AudienceNames;
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether `#audiences` has read those of this token. */
  #named = false;

  constructor(audiences: AudienceNames) {
    this.#audiences = audiences;
  }

  /** @returns as `Outline.of`. What the others say is of these bytes, and only if there was no fault. */
  read(bytes: Buffer, length: number): number {
    this.#bytes = bytes;
    this.#named = false;
    return this.#outline.of(bytes, length);
  }

  /** `iss` if it is a string; undefined too when it has more than `longest` bytes, so that it is none that is wanted. */
  issuer(longest: number): string | undefined {
    const [start, end] = [this.#start(ISS), this.#end(ISS)];
    const length = end - start - 2;
    if (!isString(this.#bytes, start) || length > longest * ESCAPE_BYTES) return undefined;
    if (length > longest && !hasEscapes(this.#bytes, start, end)) return undefined;
    return textOf(this.#bytes, start, end);
  }

  fits(audience: Audience): boolean {
    if (!this.#named && !audience.isAny) {
      this.#named = true;
      this.#audiences.read(this.#bytes, this.#start(AUD), this.#end(AUD));
    }
    return audience.acceptsNamed();
  }

  /** Seconds of `exp`: Infinity without one, and NaN when it is no number. */
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
