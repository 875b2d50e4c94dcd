import { misread, simplify, wholeText } from './path.ts';

/** The segments of a path, one list for each way to read its bytes. */
type Readings = readonly (readonly string[])[];

/** Characters of a path that is read in other ways: a key of an object store has 1,024 bytes of three characters each. */
const MAX_LENGTH = 4096;

/**
 * Characters that servers read in too many ways to follow: controls, which they drop or cut at; wildcards of the file
 * search under PHP on Windows; broken escapes; a percent sign that begins an escape once it is decoded.
 */
const unreadable =
  /[^\x21-\x7e]|%(?:[01][0-9a-f]|7f)|[<>"]|%(?:22|3c|3e)|%(?![0-9a-f]{2})|%25(?![g-tv-z_!$&'()*+,:=@/-]|$)/i;
/** The parent folder, also with blanks between the dots, which some servers drop. */
const CLIMB = /\.\s*\./;
/** A short name of FAT and NTFS stands for a longer one. */
const SHORT_NAME = /~\d/;
/** Characters that become a slash: those of Windows in Europe and Japan, and the one in a fraction such as ¼. */
const SLASHES = /[/\\\u2044\u00a5]/;
/** Where a parameter begins for servlet containers, as sent or decoded. */
const PARAMETER = /;|%3b/i;
/** Text as sent that may decode to a slash: an escaped slash or backslash, and every escape beyond ASCII. */
const LATER_SLASH = /\\|%(?:2f|5c|[89a-f])/i;
/** A segment of which nothing is left once a server cuts parameters, queries and streams and trims the ends. */
const DROPPABLE = /^[\s.]*(?:[;?#:]|$)/;
/** Text that may follow the part of a segment that some server takes for the whole segment. */
const END = /^(?:[\s.;?#:]|$)/;

/**
 * The segments of a path with several readings, each segment in its simplest spelling. One reading decodes escapes as
 * UTF-8, the other takes each byte for a letter. Undefined when there are too many readings, or one climbs to a parent.
 * @param rest a path, or the part after some of its segments: starts with \`/\`, or is empty.
 */
export function readingsOf(rest: string): Readings | undefined {
  if (rest === '') return [[]];
  if (!rest.startsWith('/') || rest.length > MAX_LENGTH || unreadable.test(rest)) return undefined;
  if (rest.split('/').some(hidesSlash)) return undefined;
  const text = wholeText(rest);
  if (text === undefined || misread.test(text)) return undefined;
  const utf8 = simplify(text);
  // Some servers drop controls among the letters.
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
 * Whether a parameter of a segment, as sent, holds text that may become a slash. Servers that cut parameters off before
 * they decode never see that slash (Tomcat reads `/;x%2Fy/admin` as `/admin`); other servers begin a segment there.
 */
function hidesSlash(segment: string): boolean {
  const start = segment.search(PARAMETER);
  return start >= 0 && LATER_SLASH.test(segment.slice(start));
}

/** Marks from which a server may drop the rest of a segment, or of the path. */
const CUT = /[;?#:]/;

/**
 * Whether some server may find these segments at the start of one of the readings. A server can drop a segment that
 * holds only marks, blanks before a segment, and the end of a segment from a mark on; letters stay where they are.
 * @param segments folded.
 * @param reach `prefix`: the last segment may go on, and is missing if it is empty; `exact`: nothing follows that no
 * server drops.
 */
export function mayBegin(
  readings: Readings,
  segments: readonly string[],
  reach: 'path' | 'prefix' | 'exact',
): boolean {
  return readings.some((reading) => {
    let at = 0;
    let isCut = false;
    for (const [index, segment] of segments.entries()) {
      const isOpen = reach === 'prefix' && index === segments.length - 1;
      for (;;) {
        const found = reading[at];
        if (found === undefined) return isOpen && segment === '';
        at += 1;
        const text = found.trimStart();
        const end = text.startsWith(segment) ? text.slice(segment.length) : undefined;
        isCut ||= CUT.test(end ?? found);
        if (end !== undefined && (isOpen || END.test(end))) break;
        if (!DROPPABLE.test(found)) return false;
      }
    }
    return reach !== 'exact' || isCut || mayDrop(reading.slice(at));
  });
}

/** Whether some server drops all of these segments. */
function mayDrop(segments: readonly string[]): boolean {
  const kept = segments.findIndex((segment) => !DROPPABLE.test(segment));
  return kept < 0 || segments.slice(0, kept).some((segment) => CUT.test(segment));
}
