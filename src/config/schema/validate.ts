import type * as z from 'zod';
import { type Fault, type KeyPath, MAX_FAULTS } from '../fault.ts';
import type { Source } from '../source/source.ts';
import { foreignKey } from './foreign-keys.ts';
import { misplacedKeys } from './misplaced.ts';
import { nearest } from './nearest.ts';
import { holderOf, isMapping, retype } from './retype.ts';
import { type FileConfig, schema } from './schema.ts';
import { knownKeys, schemaTree } from './tree.ts';

export interface Validated {
  /** What is left when every wrong part has been taken out; undefined when nothing is. */
  readonly config: FileConfig | undefined;
  readonly faults: readonly Fault[];
  /** Whether the file has something at this path, or around it, that was taken out as wrong. */
  wasWrong(path: KeyPath): boolean;
  /** Whether the file has something below this path that was taken out as wrong. */
  wasWrongInside(path: KeyPath): boolean;
}

type Issue = z.core.$ZodIssue;

/** Wrong parts are taken out, then what held only them; more rounds would mean a fault of the schema. */
const MAX_ROUNDS = 8;

/**
 * Checks shape and types. References are followed later, also in a file with wrong types: so the wrong parts are
 * taken out and the rest is read again, until all faults of the file can be told at once.
 */
export function validate(source: Source): Validated {
  const faults: Fault[] = [];
  const wrong = new Set<string>();
  const wasWrong = (path: KeyPath) =>
    path.some((_, index) => wrong.has(JSON.stringify(path.slice(0, index + 1))));
  const wasWrongInside = (path: KeyPath) => {
    const above = `${JSON.stringify(path).slice(0, -1)},`;
    return [...wrong].some((one) => one.startsWith(above));
  };
  const root = { value: copy(source.value) };
  for (const path of source.unset) remove(root, path, wrong);
  for (const { path, message, involved } of misplacedKeys(root.value)) {
    if (faults.length >= MAX_FAULTS) break;
    faults.push(source.fault(path, message, 'key'));
    for (const one of involved) remove(root, one, wrong);
  }

  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const result = schema.safeParse(root.value);
    if (result.success) return { config: result.data, faults, wasWrong, wasWrongInside };
    for (const { path, message, key, types } of explainAll(result.error.issues)) {
      if (wasWrong(path) || retype(root, path, types, source)) continue;
      if (faults.length >= MAX_FAULTS) return { config: undefined, faults, wasWrong, wasWrongInside };
      faults.push(source.fault(path, shownWord(source, path) + message, key ? 'key' : 'value'));
      if (path.length === 0) return { config: undefined, faults, wasWrong, wasWrongInside };
      remove(root, path, wrong);
    }
  }
  return { config: undefined, faults, wasWrong, wasWrongInside };
}

/** Keys whose values are words or numbers, never secrets. */
const WORDS: ReadonlySet<string | number> = new Set([
  ...[
    'listeners',
    'verifiers',
    'rejection',
    'chunkedRequests',
    'level',
    'access',
    'expiry',
    'preflight',
    'paths',
  ],
]);

/** The word that stands there, as it was written, before what is said of it. */
function shownWord(source: Source, path: KeyPath): string {
  let value: unknown = source.value;
  for (const step of path) value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  return WORDS.has(path.at(-1) ?? '') && typeof value === 'string' && value !== ''
    ? `${source.asWritten(path, value)} `
    : '';
}

interface Explained {
  readonly path: KeyPath;
  readonly message: string;
  /** The fault is the key itself and not its value. */
  readonly key: boolean;
  /** Types other than a text that would do there. */
  readonly types?: readonly string[];
}

/** One after the other, because an unknown key is compared with every known one. */
function* explainAll(issues: readonly Issue[]): Generator<Explained> {
  for (const issue of issues) yield* explain(issue, []);
}

function explain(issue: Issue, above: KeyPath): Iterable<Explained> {
  const path = [...above, ...(issue.path as KeyPath)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(path, issue.keys);
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message, key: true }];
    case 'invalid_union': {
      // The branch that fits the kind of the value knows better what is wrong inside it.
      const branch = issue.errors.find((errors) => errors.every((error) => isInside(error)));
      return branch === undefined
        ? [
            {
              path,
              message: issue.message,
              key: false,
              types: issue.errors.flatMap(([first]) => (first?.path.length === 0 ? typesOf(first) : [])),
            },
          ]
        : branch.flatMap((error) => [...explain(error, path)]);
    }
    default:
      return [{ path, message: issue.message, key: false, types: typesOf(issue) }];
  }
}

function typesOf(issue: Issue): readonly string[] {
  return issue.code === 'invalid_type' ? [issue.expected] : [];
}

function isInside(issue: Issue): boolean {
  return issue.path.length > 0 || ['unrecognized_keys', 'custom', 'too_big'].includes(issue.code ?? '');
}

function* unknownKeys(path: KeyPath, keys: readonly string[]): Generator<Explained> {
  for (const key of keys) yield { path: [...path, key], message: unknownKey(path, key), key: true };
}

function unknownKey(path: KeyPath, key: string): string {
  const known = knownKeys(schemaTree(), path);
  const foreign = foreignKey(key, known);
  if (foreign !== undefined && 'sentence' in foreign) return `is not a known key; ${foreign.sentence}`;
  const meant = foreign?.key ?? nearest(key, known);
  return meant === undefined
    ? `is not a known key; must be one of ${known.join(', ')}`
    : `is not a known key; must be ${meant} if that is meant`;
}

/** A copy whose parts can be taken out, also where aliases made two places share one value. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]));
}

/**
 * Takes out the value at a path. In a list of mappings an empty one stays in its place, so that the indexes of the
 * others still name what the file holds; any other list goes as a whole.
 */
function remove(root: { value: unknown }, path: KeyPath, wrong: Set<string>): void {
  wrong.add(JSON.stringify(path));
  const last = path.at(-1);
  const holder: unknown = holderOf(root, path);
  if (
    Array.isArray(holder) &&
    typeof last === 'number' &&
    holder.some(isMapping) &&
    !isMapping(holder[last])
  ) {
    holder[last] = {};
  } else if (isMapping(holder) && last !== undefined && last in holder) {
    delete holder[last];
  } else if (path.length > 0) {
    remove(root, path.slice(0, -1), wrong);
  }
}
