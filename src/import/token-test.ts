import type { Test } from './condition.ts';
import { type Call, type Expression, expressionText } from './expression.ts';

/** Marks an argument that stood for a variable: the text of its expression follows. */
const RESOLVED = '\u{1}';

/** What a comparison demands of a token. */
export type TokenDemand =
  /** There is something at the place: every demand below includes it. */
  | { readonly kind: 'found' }
  | { readonly kind: 'alg'; readonly values: readonly string[] }
  | { readonly kind: 'signature'; readonly alg: string | undefined; readonly key: string }
  | {
      readonly kind: 'equals';
      readonly claim: readonly string[];
      readonly values: readonly string[];
      readonly numeric: boolean;
    }
  | { readonly kind: 'contains'; readonly claim: readonly string[]; readonly values: readonly string[] }
  | { readonly kind: 'has'; readonly claim: readonly string[] }
  /** `exp` lies ahead. `tolerance`: seconds that it may be past. */
  | { readonly kind: 'unexpired'; readonly tolerance: number }
  /** `nbf` does not lie ahead, or is absent. */
  | { readonly kind: 'begun' };

/** A demand on the token at one place, in the words of `routes[].token`. */
export interface TokenAtom {
  readonly place: string;
  readonly demand: TokenDemand;
}

/** A comparison that is true, or with `holds: false` is false, exactly if the token meets the demand. */
export interface TokenTest {
  readonly atom: TokenAtom;
  readonly holds: boolean;
}

/** Reads what a comparison says about a token. Undefined for any other comparison. @param expression of the test, without variables */
export function readTokenTest(expression: Expression, test: Test): TokenTest | undefined {
  const about = readPlace(expression);
  if (about === undefined) return undefined;
  const { place, tail } = about;
  const yes = (demand: TokenDemand): TokenTest => ({ atom: { place, demand }, holds: true });
  const [first, second] = tail;
  if (first === undefined) {
    const isScheme = test.method === 'beg' || test.method === 'sub' || test.method === 'reg';
    const isBearer =
      test.patterns.length > 0 && test.patterns.every((text) => /^\^?bearer(?: |\\s|\[|$)/i.test(text));
    return test.method === 'found' || (isScheme && isBearer && about.isHeader)
      ? yes({ kind: 'found' })
      : undefined;
  }
  if (about.isHeader) return undefined;
  if (first.name === 'jwt_verify') return readVerify(first, place, tail, test);
  const steps = readPath(first.args[0]);
  if (steps === undefined) return undefined;
  if (first.name === 'jwt_header_query') {
    if (tail.length > 1 || steps.join('.') !== 'alg') return undefined;
    if (test.method === 'found') return yes({ kind: 'found' });
    const isExact = test.method === 'str' && !test.ignoresCase;
    return isExact ? yes({ kind: 'alg', values: test.patterns }) : undefined;
  }
  if (first.name !== 'jwt_payload_query') return undefined;
  if (second !== undefined) return tail.length === 2 ? readTime(steps, second, place, test) : undefined;
  if (test.method === 'found') return yes({ kind: 'has', claim: steps });
  const numeric = test.method === 'int';
  if (numeric && (test.operator ?? 'eq') === 'eq' && test.patterns.every((text) => /^-?\d+$/.test(text)))
    return yes({ kind: 'equals', claim: steps, values: test.patterns, numeric });
  if (test.patterns.length === 0 || test.ignoresCase) return undefined;
  if (test.method === 'str')
    return yes({ kind: 'equals', claim: steps, values: test.patterns, numeric: false });
  return test.method === 'sub' ? yes({ kind: 'contains', claim: steps, values: test.patterns }) : undefined;
}

/** Where the token of an expression stands, and what is done with it. `isHeader`: the whole Authorization value. */
function readPlace(
  expression: Expression,
): { place: string; isHeader: boolean; tail: Expression } | undefined {
  const [fetch, next, ...rest] = expression;
  if (fetch === undefined) return undefined;
  const [name = ''] = fetch.args;
  const tail = decoded(expression.slice(1));
  if (fetch.name === 'http_auth_bearer') {
    const isUsual = fetch.args.length === 0 || /^authorization$/i.test(name);
    return { place: isUsual ? 'header' : `header:${name} Bearer`, isHeader: false, tail };
  }
  if (fetch.name === 'req.hdr') {
    const isAuthorization = /^authorization$/i.test(name);
    const cut =
      next !== undefined &&
      /^(?:word|field)$/.test(next.name) &&
      next.args[0] === '2' &&
      next.args[1] === ' ';
    const replaced =
      next?.name === 'regsub' && /^\^?\(?bearer(?: |\\s)?[+*]?\)?/i.test(next.args[0] ?? '') && !next.args[1];
    if (cut || replaced) {
      return {
        place: isAuthorization ? 'header' : `header:${name} Bearer`,
        isHeader: false,
        tail: decoded(rest),
      };
    }
    return { place: isAuthorization ? 'header' : `header:${name}`, isHeader: isAuthorization, tail };
  }
  if (name === '') return undefined;
  if (fetch.name === 'req.cook') return { place: `cookie:${name}`, isHeader: false, tail };
  return fetch.name === 'urlp' ? { place: `query:${name}`, isHeader: false, tail } : undefined;
}

/** `word(1,.),ub64dec,json_query(…)` is how older files write `jwt_header_query(…)`. */
function decoded(tail: Expression): Expression {
  const [word, decode, query, ...rest] = tail;
  const part = word?.args[0];
  const isPart =
    /^(?:word|field)$/.test(word?.name ?? '') && word?.args[1] === '.' && (part === '1' || part === '2');
  if (!isPart || !/^u?b64dec$/.test(decode?.name ?? '') || query?.name !== 'json_query') return tail;
  return [{ name: part === '1' ? 'jwt_header_query' : 'jwt_payload_query', args: query.args }, ...rest];
}

/** The names in a JSON path such as `$.realm_access.roles`; undefined for other paths. */
function readPath(path: string | undefined): readonly string[] | undefined {
  if (path === undefined || !/^\$(?:\.[A-Za-z0-9_-]+)+$/.test(path)) return undefined;
  return path.slice(2).split('.');
}

function readVerify(call: Call, place: string, tail: Expression, test: Test): TokenTest | undefined {
  const [alg = '', key = ''] = call.args;
  if (tail.length > 1 || key === '' || key.startsWith(RESOLVED)) return undefined;
  if (!isTrue(test)) return undefined;
  let name: string | undefined;
  if (alg.startsWith(RESOLVED)) {
    if (!/jwt_header_query\("\$\.alg"\)$|json_query\("\$\.alg"\)$/.test(alg)) return undefined;
  } else name = alg;
  return { atom: { place, demand: { kind: 'signature', alg: name, key } }, holds: true };
}

/** Whether the comparison is with 1, as `jwt_verify` gives it for a good signature. */
function isTrue({ method, operator, patterns }: Test): boolean {
  if (method === 'bool') return patterns.length === 0 || (patterns.length === 1 && patterns[0] === '1');
  const isEqual = operator === undefined || operator === 'eq';
  return (method === 'int' || method === 'str') && isEqual && patterns.length === 1 && patterns[0] === '1';
}

/** `exp,sub(now)` compared with a number of seconds. */
function readTime(
  claim: readonly string[],
  { name, args }: Call,
  place: string,
  test: Test,
): TokenTest | undefined {
  const now = args[0] ?? '';
  const date = new RegExp(`^${RESOLVED}date(?:\\("(-?\\d+)?"?.*\\))?$`).exec(now);
  const [pattern = '', ...more] = test.patterns;
  if (name !== 'sub' || date === null || test.method !== 'int' || more.length > 0 || !/^-?\d+$/.test(pattern))
    return undefined;
  // The seconds from now to the claim, as the comparison has them.
  const bound = Number(pattern) + Number(date[1] ?? 0);
  const { operator } = test;
  if (claim.join('.') === 'exp') {
    // More than `above` seconds are left.
    const above = operator === 'gt' || operator === 'le' ? bound : bound - 1;
    const holds = operator === 'gt' || operator === 'ge';
    if (operator === undefined || operator === 'eq' || above > 0) return undefined;
    return { atom: { place, demand: { kind: 'unexpired', tolerance: Math.max(0, -above) } }, holds };
  }
  if (claim.join('.') !== 'nbf') return undefined;
  const isFuture = operator === 'gt' || operator === 'ge';
  return isFuture && bound >= 0 ? { atom: { place, demand: { kind: 'begun' } }, holds: false } : undefined;
}

/** The same text for equal atoms. */
export function tokenAtomKey({ place, demand }: TokenAtom): string {
  return `token ${place} ${JSON.stringify(demand)}`;
}

/** An argument that stands for an expression. */
export function resolvedArgument(expression: Expression): string {
  const [only] = expression;
  if (expression.length === 1 && only?.name === 'str') return only.args[0] ?? '';
  return RESOLVED + expressionText(expression);
}
