import { createHash } from 'node:crypto';

/** Characters kept of a mark; a UUID has 36. Longer ones are kept as their hash, so that no claim costs more memory. */
const MAX_CHARACTERS = 64;
/** A text that begins so is kept as its hash too: a user must not pass for another by taking that one's hash as a name. */
const HASHED = 'sha256:';

/**
 * The text under which a claim or a demanded mark is compared; undefined for what is none. Numbers count by their
 * usual spelling. Texts out of JSON.parse are strings of their own, so that none keeps a token alive.
 */
export function markText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  if (value.length <= MAX_CHARACTERS && !value.startsWith(HASHED)) return value;
  return `${HASHED}${createHash('sha256').update(value).digest('base64url')}`;
}

/** Whether a text is what `markText` makes of some other. */
export function isMarkText(text: string): boolean {
  return text !== '' && (markText(text) === text || /^sha256:[\w-]{43}$/.test(text));
}
