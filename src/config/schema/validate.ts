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
  /** The file without its wrong parts; undefined when nothing is left. */
  readonly config: FileConfig | undefined;
  readonly faults: readonly Fault[];
  /** Whether the value at this path, or one around it, was wrong and removed. */
  wasWrong(path: KeyPath): boolean;
  /** Whether a value below this path was wrong and removed. */
  wasWrongInside(path: KeyPath): boolean;
}

type Issue = z.core.$ZodIssue;

/** Rounds that remove wrong parts, then the parts that held nothing else. More would mean a fault of the schema. */
const MAX_ROUNDS = 8;

/**
 * Checks shape and types. Later steps follow references, also in a file with wrong types, so that all faults are
 * reported at once: wrong parts are removed and the rest is read again.
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
    'engine',
    'minVersion',
    'unknownName',
    'mode',
    'paths',
    'proxyProtocol',
    'redirect',
  ],
]);

/** The value at a path as the file has it, to begin a message; '' for a value that may be a secret. */
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
  /** The key itself is wrong, not its value. */
  readonly key: boolean;
  /** Types other than a text that would be right there. */
  readonly types?: readonly string[];
}

/** A generator, because the comparison of an unknown key with every known one takes time. */
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
      // The branch that fits the kind of the value has the better message.
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

/** A copy for removing parts; two places that share one value by an alias get their own. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]));
}

/**
 * Removes the value at a path. A list of mappings keeps an empty one in its place, so the indexes of the others still
 * fit the file; any other list is removed as a whole.
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
