import type { KeyPath } from '../fault.ts';
import { knownKeys, schemaTree } from './tree.ts';

/** A key that is one level too far out. */
interface Misplaced {
  readonly path: KeyPath;
  readonly message: string;
  /** Parts that further checks skip because of it. */
  readonly involved: readonly KeyPath[];
}

/** Sections whose keys are names of the user's choice. */
const NAMED = ['issuers', 'upstreams'] as const;

/**
 * Keys that are indented too little, one for each mapping that has any. Without this check each key would be a fault,
 * and so would its absence where it belongs.
 */
export function* misplacedKeys(value: unknown): Generator<Misplaced> {
  if (!isMapping(value)) return;
  for (const section of NAMED) {
    const entries = value[section];
    if (!isMapping(entries)) continue;
    const path = [section];
    const known = knownKeys(schemaTree(), [section, 'a-name']);
    const key = Object.keys(entries).find((name) => known.includes(name) && !isEntry(entries[name], known));
    if (key !== undefined) {
      const message = `is a key of what ${section} holds, and stands beside the names; must be indented below the name that it belongs to`;
      yield { path: [...path, key], message, involved: [path] };
      continue;
    }
    for (const [name, entry] of Object.entries(entries)) yield* besideEmpty(entry, [section, name]);
  }
  yield* besideEmpty(value, []);
  if (Array.isArray(value['routes'])) {
    for (const [index, route] of value['routes'].entries()) yield* besideEmpty(route, ['routes', index]);
  }
}

/** An unknown key beside an empty one, below which it would be known. */
function* besideEmpty(mapping: unknown, path: KeyPath): Generator<Misplaced> {
  if (!isMapping(mapping)) return;
  const known = knownKeys(schemaTree(), path);
  for (const [empty, value] of Object.entries(mapping)) {
    if (value !== null || !known.includes(empty)) continue;
    const inner = knownKeys(schemaTree(), [...path, empty]);
    const strays = Object.keys(mapping).filter((key) => !known.includes(key) && inner.includes(key));
    const [first] = strays;
    if (first === undefined) continue;
    const message = `is a key of ${empty}, and stands beside it; must be indented below ${empty}`;
    const involved = [empty, ...strays].map((key) => [...path, key]);
    yield { path: [...path, first], message, involved };
  }
}

function isEntry(value: unknown, known: readonly string[]): boolean {
  return isMapping(value) && Object.keys(value).some((key) => known.includes(key));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
