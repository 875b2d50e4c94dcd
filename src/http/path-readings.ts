import { misread, simplify, wholeText } from './path.ts';

/** The segments of a path, once for each way of reading its bytes. */
type Readings = readonly (readonly string[])[];

/** Longer paths are not read in other ways: a key of an object store has 1,024 bytes, three characters each. */
const MAX_LENGTH = 4096;

/**
 * What some servers make too much of to be followed: controls, where they cut or drop; wildcards of the file search
 * under PHP on Windows; escapes that are none; a percent sign that begins an escape once it is decoded.
 */
const untold =
  /[^\x21-\x7e]|%(?:[01][0-9a-f]|7f)|[<>"]|%(?:22|3c|3e)|%(?![0-9a-f]{2})|%25(?![g-tv-z_!$&'()*+,:=@/-]|$)/i;
/** The parent folder, also with characters between the dots and behind them that some servers drop. */
const CLIMB = /\.\s*\./;
/** A short name of FAT and NTFS stands for a longer one. */
const SHORT_NAME = /~\d/;
/** What takes the place of a slash: those of Windows in Europe and Japan, and of a fraction such as ¼. */
const SLASHES = /[/\\\u2044\u00a5]/;
/** Where servlet containers see a parameter, as sent or once it is decoded. */
const PARAMETER = /;|%3b/i;
/** What may be a slash when it is decoded, as sent: it, a backslash, and all that is beyond ASCII. */
const LATER_SLASH = /\\|%(?:2f|5c|[89a-f])/i;
/** Nothing is left of such a segment once parameters, queries and streams are cut and its ends trimmed. */
const DROPPABLE = /^[\s.]*(?:[;?#:]|$)/;
/** What may stand behind the part of a segment that some server takes for all of it. */
const END = /^(?:[\s.;?#:]|$)/;

/**
 * The segments of a path that is not read in one way alone, each in its simplest spelling. Escapes are decoded as
 * UTF-8, and each byte as a letter. Undefined when the readings are too many to follow, or one climbs to a parent.
 * @param rest a path, or what follows some of its segments: starts with \`/\`, or is empty.
 */
export function readingsOf(rest: string): Readings | undefined {
  if (rest === '') return [[]];
  if (!rest.startsWith('/') || rest.length > MAX_LENGTH || untold.test(rest)) return undefined;
  if (rest.split('/').some(hidesSlash)) return undefined;
  const text = wholeText(rest);
  if (text === undefined || misread.test(text)) return undefined;
  const utf8 = simplify(text);
  // Controls among the letters are dropped by some.
  const latin1 = simplify(
    Buffer.from(text)
      .toString('latin1')
      .replace(/[\x80-\x9f\xad]/g, ''),
  );
  if (CLIMB.test(utf8) || SHORT_NAME.test(utf8) || SHORT_NAME.test(latin1) || misread.test(utf8)) {
    return undefined;
  }
  const readings = latin1 === utf8 ? [utf8] : [utf8, latin1];
  return readings.map((reading) => reading.split(SLASHES).slice(1));
}

/**
 * Whether a parameter of a segment, as sent, holds what may become a slash. Servers that cut parameters off before
 * they decode never see that slash (Tomcat reads `/;x%2Fy/admin` as `/admin`); for the others a segment begins there.
 */
function hidesSlash(segment: string): boolean {
  const start = segment.search(PARAMETER);
  return start >= 0 && LATER_SLASH.test(segment.slice(start));
}

/**
 * Whether some server may find these segments at the beginning of one of the readings. A server can drop a segment
 * that holds marks alone, blanks before one, and its end from a mark on; letters stay where they are.
 * @param segments folded.
 */
export function mayBegin(readings: Readings, segments: readonly string[]): boolean {
  return readings.some((reading) => {
    let at = 0;
    for (const segment of segments) {
      for (;;) {
        const found = reading[at];
        if (found === undefined) return false;
        at += 1;
        const text = found.trimStart();
        if (text.startsWith(segment) && END.test(text.slice(segment.length))) break;
        if (!DROPPABLE.test(found)) return false;
      }
    }
    return true;
  });
}
