import {
  HEADER_LIMITS,
  LIMITS,
  type Limits,
  Outline,
  TOO_DEEP,
  TOO_MANY_PARTS,
} from '../auth/read/json-outline.ts';
import { type JsonObject, member, parseObject } from '../auth/read/strict-json.ts';
import { TokenBuffer } from '../auth/read/token-buffer.ts';

/** The unproven content of a token, as far as it can be read. */
export interface TokenFacts {
  readonly characters: number;
  readonly segments: number;
  /** Undefined unless the segment is canonical base64url of UTF-8, and a JSON object without repeated members. */
  readonly header: JsonObject | undefined;
  readonly claims: JsonObject | undefined;
  /** Why the header or the claims are undefined. */
  readonly headerFault: string;
  readonly claimsFault: string;
}

export function readToken(token: string): TokenFacts {
  const segments = token.split('.');
  return {
    characters: token.length,
    segments: segments.length,
    header: read(segments[0] ?? '', HEADER_LIMITS),
    claims: read(segments[1] ?? '', LIMITS),
    headerFault: faultOf(segments[0] ?? '', HEADER_LIMITS),
    claimsFault: faultOf(segments[1] ?? '', LIMITS),
  };
}

function read(segment: string, limits: Limits): JsonObject | undefined {
  const text = new TokenBuffer().decode(segment);
  return text === undefined ? undefined : parseObject(text, limits);
}

const beyond: ReadonlyMap<number, (limits: Limits) => string> = new Map([
  [TOO_DEEP, ({ depth }) => `is nested deeper than ${depth} levels`],
  [TOO_MANY_PARTS, ({ parts }) => `has more than ${parts} parts: names, values, objects and arrays`],
]);

/** The fault of a segment that cannot be read. */
function faultOf(segment: string, limits: Limits): string {
  const buffer = new TokenBuffer();
  const length = buffer.load(segment);
  if (length < 0) return 'is no base64url of UTF-8 in its one canonical spelling';
  const members = new Outline([], limits).of(buffer.bytes, length);
  return beyond.get(members)?.(limits) ?? (members < 0 ? 'is no JSON object' : 'has a member twice');
}

/** Characters of a value that are shown: enough to recognize it, and a claim of 10 KiB does not fill the screen. */
const MAX_SHOWN = 120;

/** A value of the token on one line of ASCII; `is absent` for undefined. */
export function shown(value: unknown): string {
  if (value === undefined) return 'is absent';
  const text = JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

export function claim(facts: TokenFacts, name: string): unknown {
  return facts.claims === undefined ? undefined : member(facts.claims, name);
}

export function headerMember(facts: TokenFacts, name: string): unknown {
  return facts.header === undefined ? undefined : member(facts.header, name);
}
