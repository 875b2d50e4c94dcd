import { type Expression, expressionText, readExpression } from './expression.ts';
import { expanded, hasVariable } from './words.ts';

/** What the conditions of a file may name beyond the file. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** The names in a folder; undefined for what is none. */
  readonly list: (path: string) => readonly string[] | undefined;
}

/** How a value is compared. */
export type Method =
  | 'str'
  | 'beg'
  | 'end'
  | 'sub'
  | 'dir'
  | 'dom'
  | 'reg'
  | 'int'
  | 'bool'
  | 'found'
  | 'ip'
  | 'other';

/** One comparison: true if the value matches any of the patterns. */
export interface Test {
  readonly expression: Expression;
  readonly method: Method;
  readonly ignoresCase: boolean;
  /** Before numbers: `eq`, `gt` and so on. */
  readonly operator: string | undefined;
  readonly patterns: readonly string[];
  /** Undefined patterns: they cannot be known here. */
  readonly isKnown: boolean;
  /** As the file has it. */
  readonly text: string;
}

interface Term {
  readonly negated: boolean;
  /** Any of them. */
  readonly tests: readonly Test[];
}

/** Alternatives, of which each term must hold. */
export interface Condition {
  readonly unless: boolean;
  readonly any: readonly (readonly Term[])[];
}

/** The named ACLs of a proxy; one name may have several lines, of which any is enough. */
export type Acls = ReadonlyMap<string, readonly Test[]>;

const SUFFIXES: Readonly<Record<string, Method>> = {
  beg: 'beg',
  dir: 'dir',
  dom: 'dom',
  end: 'end',
  reg: 'reg',
  sub: 'sub',
  len: 'other',
};
const METHODS: Readonly<Record<string, Method>> = {
  ...SUFFIXES,
  str: 'str',
  int: 'int',
  bool: 'bool',
  found: 'found',
  ip: 'ip',
};
const OPERATORS = new Set(['eq', 'ge', 'gt', 'le', 'lt']);
/** Fetches whose plain comparison is with true. */
const BOOLEAN = new Set([
  'always_true',
  'always_false',
  'bool',
  'ssl_fc',
  'ssl_c_used',
  'ssl_fc_has_crt',
  'http_auth',
]);
const NUMERIC =
  /^(?:dst_port|src_port|nbsrv|date|.*_(?:rate|cnt|cur|size|len|gpc\d?)|sc\d?_.*|ssl_c_verify|req\.len|req\.hdr_cnt|hdr_cnt)$/;

/** ACLs that HAProxy defines itself. */
const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  TRUE: ['always_true'],
  FALSE: ['always_false'],
  HTTP: ['always_true'],
  WAIT_END: ['always_true'],
  LOCALHOST: ['src', '127.0.0.1/8', '::1'],
  METH_CONNECT: ['method', 'CONNECT'],
  METH_DELETE: ['method', 'DELETE'],
  METH_GET: ['method', 'GET', 'HEAD'],
  METH_HEAD: ['method', 'HEAD'],
  METH_OPTIONS: ['method', 'OPTIONS'],
  METH_POST: ['method', 'POST'],
  METH_PUT: ['method', 'PUT'],
  METH_TRACE: ['method', 'TRACE'],
};

/** Reads a comparison: the words of an ACL behind its name, or those between braces. */
export function readTest(words: readonly string[], surroundings: Surroundings): Test {
  const [criterion = '', ...rest] = words;
  const text = words.join(' ');
  let { expression, method } = readCriterion(criterion);
  let ignoresCase = expression.some(({ name }, at) => at > 0 && name === 'lower');
  let isKnown = true;
  const patterns: string[] = [];
  let at = 0;
  for (; at < rest.length; at += 1) {
    const word = rest[at] as string;
    if (word === '-i') ignoresCase = true;
    else if (word === '-m') {
      at += 1;
      method = METHODS[rest[at] ?? ''] ?? 'other';
    } else if (word === '-f') {
      at += 1;
      const file = expanded(rest[at] ?? '', surroundings.env);
      const lines = file === undefined ? undefined : surroundings.read(file);
      if (lines === undefined) isKnown = false;
      else patterns.push(...listed(lines));
    } else if (word === '-n') continue;
    else if (word === '-u') at += 1;
    else if (word === '-M') isKnown = false;
    else if (word === '--') {
      at += 1;
      break;
    } else break;
  }
  let operator: string | undefined;
  if (OPERATORS.has(rest[at] ?? '') && (method === undefined || method === 'int')) {
    operator = rest[at];
    at += 1;
    method = 'int';
  }
  for (const word of rest.slice(at)) {
    if (!hasVariable(word)) patterns.push(word);
    else {
      const value = expanded(word, surroundings.env);
      // What compares with a token goes into our file as it stands.
      patterns.push(value ?? word);
      if (value === undefined && !isTokenTest(expression)) isKnown = false;
    }
  }
  method ??= usualMethod(expression, patterns);
  return { expression, method, ignoresCase, operator, patterns, isKnown, text };
}

/** Values that may stay variables, because they are written and not compared here. */
function isTokenTest(expression: Expression): boolean {
  const [first] = expression;
  return (
    first?.name === 'http_auth_bearer' || first?.name === 'var' || /jwt|json/.test(expressionText(expression))
  );
}

function readCriterion(criterion: string): { expression: Expression; method: Method | undefined } {
  const [, base = '', suffix = '', rest = ''] =
    /^([a-z_.]+?)_(beg|dir|dom|end|len|reg|sub)((?:\(.*)?)$/s.exec(criterion) ?? [];
  const expression = readExpression(base === '' ? criterion : `${base}${rest}`);
  return {
    expression: expression ?? [{ name: `?${criterion}`, args: [] }],
    method: base === '' ? undefined : SUFFIXES[suffix],
  };
}

function usualMethod(expression: Expression, patterns: readonly string[]): Method {
  const { name = '' } = expression.at(-1) ?? {};
  if (name === 'src' || name === 'dst') return 'ip';
  if (name === 'jwt_verify' || name === 'sub' || NUMERIC.test(name)) return 'int';
  if (BOOLEAN.has(name) || patterns.length === 0) return 'bool';
  return 'str';
}

/** The patterns of a file, one a line. */
function listed(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Reads `if …` or `unless …`. A string says what is wrong with it; undefined stands for no condition. */
export function readCondition(
  words: readonly string[],
  acls: Acls,
  surroundings: Surroundings,
): Condition | string | undefined {
  const [sign, ...rest] = words;
  if (sign === undefined) return undefined;
  if (sign !== 'if' && sign !== 'unless') return `"${sign}" stands where if or unless is expected`;
  const any: Term[][] = [[]];
  let negated = false;
  for (let at = 0; at < rest.length; at += 1) {
    let word = rest[at] as string;
    if (word === 'or' || word === '||') {
      any.push([]);
      continue;
    }
    while (word.startsWith('!')) {
      negated = !negated;
      word = word.slice(1);
    }
    if (word === '') continue;
    let tests: readonly Test[] | undefined;
    if (word === '{') {
      const end = rest.indexOf('}', at);
      if (end < 0) return 'a brace is not closed';
      tests = [readTest(rest.slice(at + 1, end), surroundings)];
      at = end;
    } else {
      const predefined = PREDEFINED[word];
      tests = acls.get(word) ?? (predefined === undefined ? undefined : [readTest(predefined, surroundings)]);
    }
    if (tests === undefined) return `there is no acl ${word}`;
    any.at(-1)?.push({ negated, tests });
    negated = false;
  }
  return any.some((terms) => terms.length === 0)
    ? 'an alternative is empty'
    : { unless: sign === 'unless', any };
}
