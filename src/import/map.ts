import type { Surroundings } from './condition.ts';
import { readExpression } from './expression.ts';
import { expanded } from './words.ts';

/** A line of a map: the words of its condition, and the backend that it names. */
interface Row {
  readonly words: readonly string[];
  readonly backend: string;
}

/** Lines of a map file. */
const MAX_ROWS = 20_000;

/** The converters that look up a map, and how they compare. */
const METHODS: Readonly<Record<string, string>> = {
  map: 'str',
  map_str: 'str',
  map_beg: 'beg',
  map_end: 'end',
  map_dom: 'dom',
  map_dir: 'dir',
};

/** Reads `%[req.hdr(host),lower,map(FILE,DEFAULT)]` as one condition for each line of the file. Undefined for what cannot be read. */
export function readMap(target: string, surroundings: Surroundings): readonly Row[] | undefined {
  const inside = /^%\[([^\]]*)\]$/.exec(target)?.[1];
  const expression = inside === undefined ? undefined : readExpression(inside);
  const look = expression?.at(-1);
  const method = METHODS[look?.name ?? ''];
  if (expression === undefined || look === undefined || method === undefined) return undefined;
  const file = expanded(look.args[0] ?? '', surroundings.env);
  const text = file === undefined ? undefined : surroundings.read(file);
  if (text === undefined || inside === undefined) return undefined;
  const fetch = inside.slice(0, inside.lastIndexOf(`,${look.name}(`));
  const rows: Row[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, key, backend] = /^\s*([^\s#]\S*)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || backend === undefined) continue;
    if (rows.length === MAX_ROWS) return undefined;
    rows.push({ words: ['if', '{', fetch, '-m', method, '--', key, '}'], backend });
  }
  // Among several beginnings the longest counts, whatever the order of the file.
  if (method === 'beg') rows.sort((a, b) => (b.words[6] as string).length - (a.words[6] as string).length);
  // Without a fallback no backend is found, and then default_backend counts.
  return [...rows, { words: [], backend: look.args[1] ?? '' }];
}
