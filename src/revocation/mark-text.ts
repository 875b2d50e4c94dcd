import { createHash } from 'node:crypto';

/** Characters of a mark; a UUID has 36. A longer mark is kept as its hash, so no claim costs more memory. */
const MAX_CHARACTERS = 64;
/** The start of a hash. A mark that starts so is hashed too: no user may take the hash of another user's mark as a name. */
const HASHED = 'sha256:';

/**
 * The text by which marks are compared; undefined for a value that is no mark. Numbers have their usual spelling.
 * JSON.parse makes new strings, so no mark keeps its token in memory.
 */
export function markText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  if (value.length <= MAX_CHARACTERS && !value.startsWith(HASHED)) return value;
  return `${HASHED}${createHash('sha256').update(value).digest('base64url')}`;
}

/** Whether `markText` could have made this text. */
export function isMarkText(text: string): boolean {
  return text !== '' && (markText(text) === text || /^sha256:[\w-]{43}$/.test(text));
}
