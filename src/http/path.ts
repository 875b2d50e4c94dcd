/** The kinds of characters in a path as sent, for the one pass over every path. */
const REFUSED = 0;
const PLAIN = 1;
const SLASH = 2;
const DOT = 3;
/** The character has another spelling or is part of one, so the path must be folded before it is compared. */
const FOLDS = 4;

/**
 * Kinds by character code. Refused: `\` is a slash to Windows and to browsers, `;` starts a parameter that servlet
 * containers cut off, `<`, `>` and `"` are wildcards of the file search under PHP on Windows, `?` and `#` end a path.
 * `fold` handles capitals, `%`, `$` and `~`.
 */
const kinds: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === '/') return SLASH;
  if (char === '.') return DOT;
  if (/[A-Z%$~]/.test(char)) return FOLDS;
  return /[^\x21-\x7e]|[\\;<>"?#]/.test(char) ? REFUSED : PLAIN;
});

/**
 * Escapes of ASCII that servers read in different ways: unreserved characters, which are equal to their escapes (RFC
 * 3986 §2.3), so `/%61dmin` is `/admin`; controls, at which some servers cut the path; every character that `kinds`
 * refuses; and the percent sign, which some servers decode twice.
 */
const badEscape = /%(?:[01][0-9a-f]|2[235d-f]|3[0-9bcef]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9aef])/i;

/**
 * Beyond ASCII: characters whose compatibility form (NFKC) contains one of `" # % . / ; < > ? \`, such as the fullwidth
 * slash and the ellipsis; characters that become one when Windows fits text into a code page (fraction and division
 * slash, set minus, Arabic percent; yen and won are the backslash of Japan and Korea); controls and invisible
 * characters, which servers drop or take for a hyphen. The two joiners stay: Persian, Indic and emoji need them.
 */
export const misread =
  /[\u037e\u2024-\u2026\u2047-\u2049\u2100\u2101\u2105\u2106\u226e\u226f\u2488-\u249b\u33c2\u33c7\u33d8\ufe14\ufe16\ufe19\ufe30\ufe52\ufe54\ufe56\ufe5f\ufe64\ufe65\ufe68\ufe6a\uff02\uff03\uff05\uff0e\uff0f\uff1b\uff1c\uff1e\uff1f\uff3c\u{1f100}\u2044\u2215\u2216\u066a\u00a5\u20a9\uffe5\uffe6\ufffd\u0080-\u009f\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/u;

/** Characters that some servers drop from names: accents that stand alone, joiners, fillers, variation selectors. */
const droppable = /[\u0300-\u036f\p{Default_Ignorable_Code_Point}]+/gu;

/**
 * In a decoded path: an end of a segment that Windows cuts off; an empty segment; a stream of NTFS
 * (`/admin:$i30:$index_allocation/`, CVE-2010-2731); a short name of FAT and NTFS (`/protec~1`).
 */
export const badSegment =
  /[\s.](?:\/|$)|\/\/|[:\ufe13\ufe55\uff1a][$\ufe69\uff04]|\/[^/.~]{1,6}[~\uff5e][0-9\uff10-\uff19]{1,6}(?:\.[^/.]{0,3})?(?:\/|$)/;

/** Letters that Windows replaces, in a code page, by one that is not part of their decomposition. */
const strokes = /[đðħłŧøƀɨƚɵƫʈƶǥγθσςφωαδεπτһ]/g;
const withoutStroke: ReadonlyMap<string, string> = new Map(
  'đd ðd ħh łl ŧt øo ƀb ɨi ƚl ɵo ƫt ʈt ƶz ǥg γg θt σs ςs φf ωo αa δd εe πp τt һh'
    .split(' ')
    .map((pair) => [pair.slice(0, 1), pair.slice(1)]),
);

/**
 * The path as the most forgiving server would compare it: decoded, without case, accents, compatibility forms and
 * spaces before a segment. It only shows whether a server could take one path for another. A path with one spelling is
 * returned as the same string. Undefined when servers would not agree on its segments (such as CVE-2021-29492,
 * CVE-2026-42274).
 * @param depth the number of segments to fold; the others are checked and may be left out.
 */
export function fold(path: string, depth: number): string | undefined {
  const kind = kindOf(path);
  if (kind === PLAIN) return path;
  if (kind === REFUSED) return undefined;
  const decoded = decode(path);
  if (decoded === undefined) return undefined;
  const ascii = !/[^\0-\x7f]/.test(decoded);
  const visible = ascii ? decoded : decoded.replace(droppable, '');
  const flush = visible.replace(/\/\s+(?=[^\s/])/g, '/');
  if (badSegment.test(flush)) return undefined;
  const segments = cut(flush, depth);
  return ascii ? segments.toLowerCase() : simplify(segments);
}

/** The first `depth` segments of a path. */
export function cut(path: string, depth: number): string {
  let end = 0;
  for (let segment = 0; segment < depth; segment += 1) {
    end = path.indexOf('/', end + 1);
    if (end < 0) return path;
  }
  return path.slice(0, end);
}

/** One pass without allocation. It refuses bad characters, empty segments and segments that end in a dot. */
function kindOf(path: string): number {
  if (path.charCodeAt(0) !== 0x2f) return REFUSED;
  let result = PLAIN;
  let before = PLAIN;
  for (let at = 0; at < path.length; at += 1) {
    const kind = kinds[path.charCodeAt(at)] ?? REFUSED;
    if (kind === REFUSED) return REFUSED;
    if (kind === SLASH && (before === SLASH || before === DOT)) return REFUSED;
    if (kind === FOLDS) result = FOLDS;
    before = kind;
  }
  return before === DOT ? REFUSED : result;
}

/** Decodes only UTF-8: servers read overlong forms, half surrogates, other encodings and broken escapes in many ways. */
function decode(path: string): string | undefined {
  if (!path.includes('%')) return path;
  if (badEscape.test(path)) return undefined;
  const decoded = wholeText(path);
  return decoded === undefined || misread.test(decoded) ? undefined : decoded;
}

/** The text with every escape decoded once; undefined when it is not UTF-8. */
export function wholeText(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Goes through capitals because some letters share a form only there, such as ı and i. */
export function simplify(text: string): string {
  return text
    .normalize('NFKD')
    .replace(droppable, '')
    .toUpperCase()
    .toLowerCase()
    .replace(strokes, (letter) => withoutStroke.get(letter) as string);
}
