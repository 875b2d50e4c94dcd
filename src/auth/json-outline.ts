import { endOfNumber, endOfString, isLiteral, skipSpace, spells } from './json-bytes.ts';

/**
 * What a JSON text may be made of. Reading it into objects costs some 0.5 µs a member and 0.2 µs a short text, which is
 * more than a signature check as soon as there are hundreds. Real tokens have some thirty members; one with the
 * roles of sixty applications has about two hundred, and one with all groups that Microsoft puts into a token has 200 items.
 */
export const LIMITS = Object.freeze({
  /** Members of all objects together. */
  members: 512,
  /** Objects and arrays together. */
  containers: 512,
  /** Commas: members and elements of arrays, less the first of each object and array. */
  commas: 2048,
  /** Levels of nesting; real claims stay below ten. */
  depth: 32,
});

/** Why a text is not outlined; below zero, because a count of members is returned in the same place. */
const NOT_AN_OBJECT = -1;
export const TOO_DEEP = -2;
export const TOO_MANY_MEMBERS = -3;
export const TOO_MANY_CONTAINERS = -4;
export const TOO_MANY_COMMAS = -5;
/** One of the wanted members occurs twice. */
const REPEATED = -6;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Walks through the bytes of a JSON text (RFC 8259) once, and makes nothing of it: what comes from a stranger is read
 * into objects only behind its signature. Says whether it is exactly one object within `LIMITS`, and where the
 * values of a few of its own members stand. Knows no repeated names beyond those, see `parseCounted`
 * in `strict-json.ts`.
 */
export class Outline {
  /** For the wanted name at the same index: where its value begins, -1 when it is absent, and where it ends. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #wanted: readonly Uint8Array[];

  /** `wanted`: names of members in ASCII. */
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted.map((name) => Buffer.from(name, 'latin1'));
    this.starts = new Int32Array(wanted.length);
    this.ends = new Int32Array(wanted.length);
  }

  /** @returns the members of all objects in the text, or which fault it has (below zero). The bytes must be UTF-8. */
  of(bytes: Uint8Array, length: number): number {
    this.starts.fill(-1);
    let at = skipSpace(bytes, 0, length);
    if (at >= length || bytes[at] !== OPEN_BRACE) return NOT_AN_OBJECT;
    let members = 0;
    let containers = 0;
    let commas = 0;
    let depth = 0;
    /** The lowest bit says whether the innermost container is an object, the next one the same of that around it. */
    let kinds = 0;
    /** Of the member of the outermost object whose value is being read. */
    let slot = -1;
    for (;;) {
      // A value begins here, behind white space.
      const first = bytes[at] as number;
      let opened = false;
      if (first === QUOTE) at = endOfString(bytes, at + 1, length);
      else if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        depth += 1;
        if (depth > LIMITS.depth) return TOO_DEEP;
        containers += 1;
        if (containers > LIMITS.containers) return TOO_MANY_CONTAINERS;
        kinds = (kinds << 1) | (first === OPEN_BRACE ? 1 : 0);
        opened = true;
        at += 1;
      } else if (first === MINUS || (first >= ZERO && first <= NINE)) at = endOfNumber(bytes, at, length);
      else at = isLiteral(bytes, at, length);
      if (at < 0) return NOT_AN_OBJECT;
      let end = at;
      at = skipSpace(bytes, at, length);
      let next = at < length ? (bytes[at] as number) : 0;
      // Everything that ends here.
      while (next === ((kinds & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (depth === 1 && slot >= 0) this.ends[slot] = end;
        opened = false;
        kinds >>= 1;
        depth -= 1;
        end = at + 1;
        at = skipSpace(bytes, end, length);
        if (depth === 0) return at === length ? members : NOT_AN_OBJECT;
        next = at < length ? (bytes[at] as number) : 0;
      }
      if (!opened) {
        if (next !== COMMA) return NOT_AN_OBJECT;
        commas += 1;
        if (commas > LIMITS.commas) return TOO_MANY_COMMAS;
        if (depth === 1 && slot >= 0) this.ends[slot] = end;
        at = skipSpace(bytes, at + 1, length);
      }
      if ((kinds & 1) === 1) {
        if (at >= length || bytes[at] !== QUOTE) return NOT_AN_OBJECT;
        const name = at + 1;
        at = endOfString(bytes, name, length);
        if (at < 0) return NOT_AN_OBJECT;
        members += 1;
        if (members > LIMITS.members) return TOO_MANY_MEMBERS;
        if (depth === 1) slot = this.#slotOf(bytes, name, at - 1);
        at = skipSpace(bytes, at, length);
        if (at >= length || bytes[at] !== COLON) return NOT_AN_OBJECT;
        at = skipSpace(bytes, at + 1, length);
        if (depth === 1 && slot >= 0) {
          if ((this.starts[slot] as number) >= 0) return REPEATED;
          this.starts[slot] = at;
        }
      }
      if (at >= length) return NOT_AN_OBJECT;
    }
  }

  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    for (let slot = 0; slot < this.#wanted.length; slot += 1) {
      if (spells(bytes, start, end, this.#wanted[slot] as Uint8Array)) return slot;
    }
    return -1;
  }
}
