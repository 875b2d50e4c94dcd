/** Transformations that servers are known to apply to the path of a request; a path holds bytes or characters. */
const steps: Readonly<Record<string, (path: string) => string>> = {
  percentDecode: (path) =>
    path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  percentUDecode: (path) =>
    path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  lenientUtf8,
  bestFit: (path) =>
    path.normalize('NFKC').replace(/[\u2044\u2215\u2216\u00a5\u20a9\u066a]/g, (char) => fits[char] as string),
  dropAccents: (path) => path.normalize('NFD').replace(/[\u0300-\u036f]/g, ''),
  dropInvisible: (path) => path.replace(/[\p{Cc}\p{Cf}]/gu, ''),
  lowerCase: (path) => path.toLowerCase(),
  upperThenLower: (path) => path.toUpperCase().toLowerCase(),
  backslashToSlash: (path) => path.replaceAll('\\', '/'),
  mergeSlashes: (path) => path.replace(/\/{2,}/g, '/'),
  removeDotSegments,
  stripParameters: (path) => path.replace(/;[^/]*/g, ''),
  cutAtNul: (path) => path.replace(/\0.*/s, ''),
  cutAtLineEnd: (path) => path.replace(/[\r\n].*/s, ''),
  cutAtQuery: (path) => path.replace(/[?#].*/s, ''),
  stripEnds: (path) =>
    path.replace(/(?<=[^/.\s])[.\s]+(?=\/|$)/g, '').replace(/(?<=\/)\.\.[.\s]+(?=\/|$)/g, '..'),
  trimSegments: (path) => path.replace(/(?<=\/)\s+|\s+(?=\/|$)/g, ''),
  stripStreams: (path) => path.replace(/:[^/:]*:?\$[^/]*/g, ''),
  expandShortNames: (path) => path.replace(/admin~\d/i, 'admin'),
  fileSearch: (path) => path.replace(/ad[mi]*</, 'admin').replaceAll('"', '.'),
};

const fits: Readonly<Record<string, string>> = {
  '\u2044': '/',
  '\u2215': '/',
  '\u2216': '\\',
  '\u00a5': '\\',
  '\u20a9': '\\',
  '\u066a': '%',
};

/** Every path that some order of those steps, each left out or repeated, makes of `path`. */
export function readingsOf(path: string): ReadonlySet<string> {
  const readings = new Set([path]);
  for (const reading of readings) {
    for (const step of Object.values(steps)) readings.add(step(reading));
  }
  return readings;
}

/** UTF-8 as old decoders read it, overlong forms of up to four bytes included; other bytes stay. */
function lenientUtf8(path: string): string {
  return path.replace(
    /[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}/g,
    (bytes) => {
      const first = bytes.charCodeAt(0) & (0x7f >> bytes.length);
      const code = [...bytes.slice(1)].reduce((sum, byte) => sum * 64 + (byte.charCodeAt(0) & 0x3f), first);
      return code > 0x10ffff ? bytes : String.fromCodePoint(code);
    },
  );
}

/** RFC 3986 §5.2.4. */
function removeDotSegments(path: string): string {
  const result: string[] = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') result.pop();
    if (segment !== '.' && segment !== '..') result.push(segment);
    else if (last) result.push('');
  });
  return `/${result.join('/')}`;
}
