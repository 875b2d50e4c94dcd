import {
  Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { foreignJson } from '../../lib/foreign-text.ts';
import { type Fault, formatPath, type KeyPath, MAX_FAULTS } from '../fault.ts';
import { type Environment, hasVariables, isOneVariable, substitute, textSlip } from './environment.ts';
import { isOversized, MAX_ALIASES, scanText } from './text-bounds.ts';
import { syntaxFault, yamlFaultText } from './yaml-fault.ts';

/** The configuration as plain data. It can find the line and column of each part. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** Values that the environment could not fill in. */
  readonly unset: readonly KeyPath[];
  readonly faults: readonly Fault[];
  /** Texts with parts that are hardly meant. */
  readonly warnings: readonly Fault[];
  /** A fault at a path: at the value, or its key; at the mapping or list around a missing one. */
  fault(path: KeyPath, message: string, at?: 'value' | 'key'): Fault;
  /** The text at a path as the file has it, quoted: `${NAME}` instead of the value of the environment. */
  asWritten(path: KeyPath, value: string): string;
  /** Whether a part of the text at a path came from the environment. */
  isSubstituted(path: KeyPath): boolean;
  /** Whether the whole text is one variable. The environment has only texts, so its type is open. */
  isVariable(path: KeyPath): boolean;
}

/** Characters of a name in a message. */
const MAX_SHOWN = 80;

/** Reads YAML text. Faults of the text itself are in `faults`; `value` then holds the part that could be read. */
export function readText(file: string, text: string, env: Environment): Source {
  const lines = new LineCounter();
  const scan = scanText(text);
  const { obstacle } = scan;
  if (obstacle !== undefined) {
    const fault = { file, line: 1, column: 1, path: 'yaml', message: obstacle };
    return fromDocument(file, new Document(null), lines, env, [fault]);
  }
  // `repeatedKeys` finds repeated keys; the library would compare each key with every other one.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: false,
  });
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  const [first] = errors;
  if (first === undefined) return fromDocument(file, document as Document, lines, env, []);
  // One error changes the meaning of the rest of the text, so later errors would only follow from it.
  const { offset, message } = syntaxFault(text, first.code, first.pos[0], scan);
  const { line, col } = lines.linePos(offset);
  return fromDocument(file, new Document(null), lines, env, [
    { file, line, column: col, path: 'yaml', message },
  ]);
}

/** Reads an object instead of a file. Faults then have a path but no line. */
export function readObject(file: string, object: unknown, env: Environment): Source {
  return fromDocument(file, new Document(object), undefined, env, []);
}

function fromDocument(
  file: string,
  document: Document,
  lines: LineCounter | undefined,
  env: Environment,
  given: readonly Fault[],
): Source {
  const written = new Map<unknown, string>();
  const unset: KeyPath[] = [];
  const faults: Fault[] = [...given];
  const warnings: Fault[] = [];

  const faultAt = (offset: number, path: KeyPath, message: string): Fault => {
    // A document that was never parsed has no lines.
    const { line, col } = lines?.linePos(offset) ?? { line: 0, col: 0 };
    const isFirst = lines !== undefined && line === 0;
    return {
      file,
      line: isFirst ? 1 : line,
      column: isFirst ? 1 : col,
      path: formatPath(path),
      message,
    };
  };
  const fault: Source['fault'] = (path, message, at = 'value') =>
    faultAt(offsetOf(document, path, at), path, message);

  // Checks stop at the last fault that is shown.
  const isFull = (): boolean => faults.length >= MAX_FAULTS;
  visit(document, {
    Map(_, node, ancestors) {
      for (const key of repeatedKeys(node)) {
        if (isFull()) return visit.BREAK;
        const path = [...pathOf([...ancestors, node]), String(key.value)];
        faults.push({
          ...faultAt(key.range?.[0] ?? 0, path, yamlFaultText('DUPLICATE_KEY')),
          path: 'yaml',
        });
      }
      return undefined;
    },
    Pair(_, pair, ancestors) {
      if (isScalar(pair.key) && pair.key.value !== '__proto__') return undefined;
      if (isFull()) return visit.BREAK;
      const offset = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      faults.push(
        faultAt(offset, pathOf(ancestors), 'has a key that is no plain name; must have names as keys'),
      );
      return visit.REMOVE;
    },
    Alias(_, node, ancestors) {
      if (node.resolve(document) !== undefined) return undefined;
      if (isFull()) return visit.BREAK;
      const path = pathOf([...ancestors, node]);
      faults.push(
        faultAt(node.range?.[0] ?? 0, path, 'is an alias without an anchor; must name one set before it'),
      );
      unset.push(path);
      return undefined;
    },
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return undefined;
      const slip = warnings.length < MAX_FAULTS ? textSlip(node.value) : undefined;
      if (slip !== undefined) {
        warnings.push(faultAt(node.range?.[0] ?? 0, pathOf([...ancestors, node]), slip));
      }
      if (!hasVariables(node.value)) return undefined;
      const result = substitute(node.value, env);
      if (result.faults.length > 0) {
        if (isFull()) return visit.BREAK;
        const path = pathOf([...ancestors, node]);
        const offset = node.range?.[0] ?? 0;
        for (const message of result.faults) faults.push(faultAt(offset, path, message));
        unset.push(path);
      }
      written.set(node, node.value);
      node.value = result.text;
      return undefined;
    },
  });

  return {
    file,
    unset,
    faults,
    warnings,
    fault,
    // With more faults than are shown, later values are not filled in.
    value: isFull() ? undefined : toValue(document, faults, fault),
    isSubstituted: (path) => written.has(scalarAt(document, path)),
    isVariable: (path) => isOneVariable(written.get(scalarAt(document, path)) ?? ''),
    asWritten(path, value) {
      const text = written.get(scalarAt(document, path)) ?? value;
      return foreignJson(text, MAX_SHOWN);
    },
  };
}

function toValue(document: Document, faults: Fault[], fault: Source['fault']): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    // An anchor around its own alias makes an endless value.
    if (!isOversized(value)) return value;
  } catch {
    // Only aliases fail here: one without an anchor, which is reported already, or too many of them.
  }
  if (faults.length === 0) {
    faults.push({ ...fault([], 'has too many or endless aliases; must do without'), path: 'yaml' });
  }
  return undefined;
}

/** The keys that repeat an earlier key of the mapping. */
function repeatedKeys(map: YAMLMap): Scalar[] {
  const seen = new Set<unknown>();
  const repeated: Scalar[] = [];
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) repeated.push(key);
    seen.add(key.value);
  }
  return repeated;
}

interface Found {
  readonly key: unknown;
  readonly value: unknown;
  /** Steps of the path that exist. */
  readonly depth: number;
}

/** Follows a path as far as it exists. */
function find(document: Document, path: KeyPath): Found {
  let found: Found = { key: undefined, value: document.contents, depth: 0 };
  for (const step of path) {
    const depth = found.depth + 1;
    const node = isAlias(found.value) ? found.value.resolve(document) : found.value;
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return found;
      found = { key: pair.key, value: pair.value, depth };
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      found = { key: undefined, value: node.items[step], depth };
    } else return found;
  }
  return found;
}

function scalarAt(document: Document, path: KeyPath): unknown {
  const { value } = find(document, path);
  return isAlias(value) ? value.resolve(document) : value;
}

function offsetOf(document: Document, path: KeyPath, at: 'value' | 'key'): number {
  const { key, value, depth } = find(document, path);
  const missing = depth < path.length;
  const empty = isScalar(value) && value.value === null;
  const node = key !== undefined && (at === 'key' || missing || empty) ? key : (value ?? key);
  return (node as Scalar | null | undefined)?.range?.[0] ?? 0;
}

/** The keys and indexes from the document to the last of these nodes. */
function pathOf(nodes: readonly unknown[]): KeyPath {
  const path: (string | number)[] = [];
  nodes.forEach((node, index) => {
    const next = nodes[index + 1];
    if (isSeq(node) && next !== undefined) path.push(node.items.indexOf(next));
    else if (isPairNode(node) && isScalar(node.key)) path.push(String(node.key.value));
  });
  return path;
}

function isPairNode(node: unknown): node is { key: unknown } {
  return typeof node === 'object' && node !== null && 'key' in node && 'value' in node;
}
