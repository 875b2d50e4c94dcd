import type { Cell } from './cell.ts';
import { compareHost, compareMethod, comparePath, subjectOf } from './compare.ts';
import type { Condition, Test } from './condition.ts';
import { type Call, type Expression, expressionText } from './expression.ts';
import type { Grid } from './grid.ts';
import type { Place } from './proxy.ts';
import type { Rule } from './rule.ts';
import { readTokenTest, resolvedArgument, type TokenAtom, tokenAtomKey } from './token-test.ts';

/** Something that a cell does not decide. */
export interface Atom {
  readonly key: string;
  /** Undefined: not about a token. */
  readonly token: TokenAtom | undefined;
  /** Clients choose it by what they send, so each client can have either value. */
  readonly isClients: boolean;
}

/** What becomes of a request. */
export interface Outcome {
  readonly kind: 'forward' | 'deny' | 'answer' | 'https' | 'unserved';
  /** The rule that ended it; undefined where none did. */
  readonly rule: Rule | undefined;
  readonly backend: Place | undefined;
  /** The rules that changed headers, in their order, with the expressions of their variables. */
  readonly headers: readonly Headed[];
  /** The rules that led here with conditions that were true. */
  readonly passed: readonly Rule[];
}

/** A rule that changed a header. */
export interface Headed {
  readonly rule: Rule;
  readonly vars: ReadonlyMap<string, Expression | undefined>;
}

/** Thrown by a walk that needs the value of an atom. */
export class Fork extends Error {
  readonly atom: Atom;
  constructor(atom: Atom) {
    super('an atom has no value');
    this.atom = atom;
  }
}

/** What a walk knows beside its cell. */
export interface Scene {
  readonly frontend: Place;
  readonly backends: ReadonlyMap<string, Place>;
  /** Servers of a backend that take requests. */
  readonly serversOf: (backend: string) => number;
  /** Scripts or filters may set variables. */
  readonly hasForeign: boolean;
  /** Learns what requests are compared with. */
  readonly grid: Grid;
}

/** Fetches whose value clients choose. */
const CLIENTS =
  /^(?:req\.hdr|req\.hdr_cnt|hdr_cnt|req\.cook|req\.cook_cnt|urlp|urlp_val|url|query|path|method|base|basereq|req\.body|http_auth_bearer|ssl_fc_sni|ssl_fc_alpn|req\.ver|req_ver|capture\.req\..*)$/;

/** One request of a cell through the rules, as HAProxy asks them. Throws Fork when an atom has no value in `known`. */
export function walk(scene: Scene, cell: Cell, known: ReadonlyMap<string, boolean>): Outcome {
  const vars = new Map<string, Expression | undefined>();
  const headers: Headed[] = [];
  const passed: Rule[] = [];
  const context = { scene, cell, known, vars };
  const run = (rules: readonly Rule[], hasProxies: boolean): Outcome | Place | undefined => {
    for (const rule of rules) {
      if (!holds(rule, context)) continue;
      const { action } = rule;
      passed.push(rule);
      if (action.kind === 'allow') return undefined;
      if (action.kind === 'set-var')
        vars.set(action.name, action.expression && resolved(action.expression, vars));
      else if (action.kind === 'unset-var') vars.delete(action.name);
      else if (action.kind === 'header') headers.push({ rule, vars: new Map(vars) });
      else if (action.kind === 'backend') {
        const backend = scene.backends.get(action.name);
        if (backend !== undefined) return backend;
        if (hasProxies) return undefined;
      } else if (action.kind === 'foreign' || action.kind === 'rewrite') {
        return end('deny', rule);
      } else return end(action.kind, rule);
    }
    return undefined;
  };
  const end = (kind: Outcome['kind'], rule: Rule | undefined, backend?: Place): Outcome => ({
    kind,
    rule,
    backend,
    headers,
    passed,
  });
  const { rules, defaultBackend, kind } = scene.frontend;
  for (const stage of [rules.connection, rules.content, rules.request, rules.redirect]) {
    const outcome = run(stage, false);
    if (outcome !== undefined && !('rules' in outcome)) return outcome;
  }
  const chosen = run(rules.choice, true);
  if (chosen !== undefined && !('rules' in chosen)) return chosen;
  const usual = defaultBackend === undefined ? undefined : scene.backends.get(defaultBackend);
  const backend = chosen ?? usual ?? (kind === 'listen' ? scene.frontend : undefined);
  if (backend === undefined) return end('unserved', undefined);
  if (backend !== scene.frontend) {
    const own = backend.rules;
    for (const stage of [own.connection, own.content, own.request, own.redirect]) {
      const outcome = run(stage, false);
      if (outcome !== undefined && !('rules' in outcome)) return { ...outcome, backend };
    }
  }
  const responses =
    backend === scene.frontend ? rules.response : [...backend.rules.response, ...rules.response];
  const refused = run(responses, false);
  if (refused !== undefined && !('rules' in refused)) return { ...refused, backend };
  return scene.serversOf(backend.name) === 0
    ? end('unserved', undefined, backend)
    : end('forward', undefined, backend);
}

interface Context {
  readonly scene: Scene;
  readonly cell: Cell;
  readonly known: ReadonlyMap<string, boolean>;
  readonly vars: ReadonlyMap<string, Expression | undefined>;
}

function holds({ condition, obscure, entry }: Rule, context: Context): boolean {
  if (obscure !== undefined) {
    return ask({ key: `line ${entry.number}`, token: undefined, isClients: false }, context);
  }
  if (condition === undefined) return true;
  const isMet = condition.any.some((terms: Condition['any'][number]) =>
    terms.every(({ negated, tests }) => tests.some((test) => judge(test, context)) !== negated),
  );
  return isMet !== condition.unless;
}

function ask(atom: Atom, { known }: Context): boolean {
  const value = known.get(atom.key);
  if (value === undefined) throw new Fork(atom);
  return value;
}

/** The value of one comparison. */
function judge(test: Test, context: Context): boolean {
  const { scene, cell, vars } = context;
  const [head] = test.expression;
  const variable = head?.name === 'var' ? (head.args[0] ?? '') : undefined;
  // A variable of the process is set in the global section, one of a script anywhere.
  const isOurs = !scene.hasForeign && !variable?.startsWith('proc.');
  if (variable !== undefined && !vars.has(variable) && isOurs) return false;
  const expression = resolved(test.expression, vars);
  if (expression === undefined) return ask(opaque(test, false), context);
  const subject = subjectOf(expression, test);
  if (subject !== undefined) {
    scene.grid.add(subject, test);
    if (subject === 'method') return compareMethod(cell, test);
    const value = subject === 'host' ? compareHost(cell.host, test) : comparePath(cell.path, test);
    return value ?? ask(opaque(test, true), context);
  }
  const fixed = fixedValue(expression, test, context);
  if (fixed !== undefined) return fixed;
  const token = test.isKnown ? readTokenTest(expression, test) : undefined;
  if (token === undefined) {
    const isClients = CLIENTS.test(expression[0]?.name ?? '') && !isOfToken(expression);
    return ask(opaque(test, isClients, expression), context);
  }
  const atom: Atom = { key: tokenAtomKey(token.atom), token: token.atom, isClients: false };
  return ask(atom, context) === token.holds;
}

/** Comparisons that the cell's arrival or the file decides. */
function fixedValue(expression: Expression, test: Test, { cell, scene }: Context): boolean | undefined {
  const [{ name = '', args = [] } = {}, ...steps] = expression as readonly Partial<Call>[];
  if (steps.length > 0) return undefined;
  const [pattern, ...more] = test.patterns;
  const isPlain = test.method === 'bool' && more.length === 0 && (pattern === undefined || pattern === '1');
  if (name === 'always_true') return isPlain ? true : undefined;
  if (name === 'always_false') return isPlain ? false : undefined;
  if (name === 'bool' && isPlain) return args[0] === 'true' || args[0] === '1';
  if (name === 'ssl_fc' && isPlain) return cell.arrival.tls;
  if (name === 'nbsrv') return compareNumber(scene.serversOf(args[0] ?? ''), test);
  if (name === 'dst_port' && cell.arrival.port !== undefined) return compareNumber(cell.arrival.port, test);
  return undefined;
}

function compareNumber(value: number, { operator = 'eq', patterns, method }: Test): boolean | undefined {
  if ((method !== 'int' && method !== 'str') || !patterns.every((pattern) => /^\d+$/.test(pattern)))
    return undefined;
  return patterns.some((pattern) => {
    const bound = Number(pattern);
    if (operator === 'eq') return value === bound;
    if (operator === 'ge') return value >= bound;
    if (operator === 'gt') return value > bound;
    return operator === 'le' ? value <= bound : value < bound;
  });
}

/** A comparison that nothing here can decide. */
function opaque(test: Test, isClients: boolean, expression: Expression | undefined = undefined): Atom {
  const { method, operator, ignoresCase, patterns } = test;
  const text = JSON.stringify([
    expressionText(expression ?? test.expression),
    method,
    operator,
    ignoresCase,
    patterns,
  ]);
  return { key: `test ${text}`, token: undefined, isClients };
}

/** Whether the value is what a token says: its issuer chooses that, and not the client. */
function isOfToken(expression: Expression): boolean {
  return /jwt_|http_auth_bearer|json_query/.test(expressionText(expression));
}

/** The expression with its variables replaced; undefined where one is not known. */
function resolved(
  expression: Expression,
  vars: ReadonlyMap<string, Expression | undefined>,
): Expression | undefined {
  const [head, ...rest] = expression;
  if (head === undefined) return undefined;
  const calls: Call[] = [];
  if (head.name === 'var') {
    const value = vars.get(head.args[0] ?? '');
    if (value === undefined) return undefined;
    calls.push(...value);
  } else calls.push(head);
  for (const call of rest) {
    const isReference = call.name === 'sub' || call.name === 'add' || call.name === 'jwt_verify';
    const args = isReference ? call.args.map((arg) => argument(arg, vars)) : call.args;
    calls.push({ name: call.name, args });
  }
  return calls;
}

function argument(arg: string, vars: ReadonlyMap<string, Expression | undefined>): string {
  const value = vars.get(arg);
  return value === undefined ? arg : resolvedArgument(value);
}
