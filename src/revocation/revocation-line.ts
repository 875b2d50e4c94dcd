import { createHash } from 'node:crypto';
import type { Foreign, Revocation } from './revocation.ts';

/** Characters of the checksum, which detects damage, not malice. */
const CHECKSUM = 16;
/** The last second of a Date (ECMA-262 §21.4.1.1); `/status` writes the times of events as dates. */
const LAST_SECOND = 8.64e12;

/** First line of a file in this form. */
export const header: string = seal('{"portcullis":"revocations","form":1}');

/** A revocation as one line, with its checksum in front and a line feed. */
export function toLine(revocation: Revocation): string {
  return seal(JSON.stringify(membersOf(revocation)));
}

/** A revocation as a line for other gateways, without its source and without line feed; `mac` proves who wrote it. */
export function toMember(revocation: Revocation, mac: string | undefined): string {
  return seal(JSON.stringify({ ...membersOf({ ...revocation, from: undefined }), mac })).trimEnd();
}

/** The text that a `mac` signs. */
export function signedText(revocation: Revocation): string {
  return `portcullis revocation 1\n${JSON.stringify(membersOf({ ...revocation, from: undefined }))}`;
}

/** Whether a line, without line feed, is the first line of a file in this or another form. */
export function isHeader(line: string): boolean {
  const text = line.slice(CHECKSUM + 1);
  return text.startsWith('{"portcullis":"revocations"') && `${line}\n` === seal(text);
}

/** The revocation in a line without line feed; undefined for a damaged line. */
export function fromLine(line: string): Revocation | undefined {
  return fromMember(line)?.revocation;
}

/** The revocation and the `mac` in a line without line feed; undefined for a damaged line. */
export function fromMember(
  line: string,
): { readonly revocation: Revocation; readonly mac: string | undefined } | undefined {
  if (line.length <= CHECKSUM || `${line}\n` !== seal(line.slice(CHECKSUM + 1))) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.slice(CHECKSUM + 1));
  } catch {
    // Writers to Redis can compute a checksum, and their line must not stop the reading of other lines.
    return undefined;
  }
  if (!isRevocation(value)) return undefined;
  return { revocation: restore(value), mac: typeof value.mac === 'string' ? value.mac : undefined };
}

function seal(text: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, CHECKSUM)} ${text}\n`;
}

/** The members in a fixed order, so equal revocations have equal texts. A missing time means Infinity, which JSON lacks. */
function membersOf({ issuer, jti, sub, sid, application, before, expiresAt, from }: Revocation): object {
  return { issuer, jti, sub, sid, application, before: finite(before), expiresAt: finite(expiresAt), from };
}

function finite(seconds: number): number | undefined {
  return Number.isFinite(seconds) ? seconds : undefined;
}

type Stored = Partial<Record<keyof Revocation | 'mac', unknown>>;

function isRevocation(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { issuer, jti, sub, sid, application, before, expiresAt, from } = value as Stored;
  const marks = [issuer, jti, sub, sid, application].filter((mark) => mark !== undefined);
  return (
    // A revocation without marks would hit every token.
    marks.length > 0 &&
    marks.every((mark) => typeof mark === 'string') &&
    (before === undefined || (typeof before === 'number' && before >= 0 && before <= LAST_SECOND)) &&
    (expiresAt === undefined || typeof expiresAt === 'number') &&
    (from === undefined || from === 'redis' || from === 'redis-signed')
  );
}

function restore(stored: Stored): Revocation {
  const text = (value: unknown): string | undefined => value as string | undefined;
  const seconds = (value: unknown): number => (value as number | undefined) ?? Number.POSITIVE_INFINITY;
  return {
    issuer: text(stored.issuer),
    jti: text(stored.jti),
    sub: text(stored.sub),
    sid: text(stored.sid),
    application: text(stored.application),
    before: seconds(stored.before),
    expiresAt: seconds(stored.expiresAt),
    ...(stored.from === undefined ? {} : { from: stored.from as Foreign }),
  };
}
