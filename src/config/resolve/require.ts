import type { ClaimName } from '../claim-name.ts';
import type { ClaimRule, Demand, RouteRules } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileRequire } from '../schema/require.ts';
import type { Findings } from './findings.ts';

/** Characters of the `scope` in a challenge; clients and proxies may refuse a response with more. */
const MAX_SCOPE = 2048;

type Words = NonNullable<FileRequire['roles']>;
type Claims = NonNullable<FileRequire['claims']>;
type Listed = Extract<Claims, readonly unknown[]>[number];
type Test = Exclude<Claims, readonly unknown[]>[string];

/** The demands of a route on tokens; `isPublic`: the route takes no tokens. */
export function resolveRequire(
  require: FileRequire | undefined,
  isPublic: boolean,
  path: KeyPath,
  findings: Findings,
): RouteRules | undefined {
  if (require === undefined) return undefined;
  if (isPublic) {
    findings.fault(
      path,
      'demands something of tokens where auth is none; must be left out, or auth an issuer',
      'key',
    );
  }
  const keys = ['scopes', 'roles', 'claims'] as const;
  if (keys.every((key) => require[key] === undefined) && !findings.wasWrongInside(path)) {
    findings.fault(path, 'is empty; must be a mapping with at least one of scopes, roles, claims', 'key');
  }
  const scopes = resolveWords(require.scopes, [...path, 'scopes'], findings);
  if (scopes !== undefined && scopes.values.join(' ').length > MAX_SCOPE) {
    findings.fault(
      [...path, 'scopes'],
      `are too long for a challenge; must be at most ${MAX_SCOPE} characters together`,
      'key',
    );
  }
  return {
    scopes,
    roles: resolveWords(require.roles, [...path, 'roles'], findings),
    claims: resolveClaims(require.claims, [...path, 'claims'], findings),
  };
}

/** Refuses the name of a claim with an empty part; dots reach into objects. */
export function checkClaimPath(
  claim: ClaimName,
  path: KeyPath,
  at: 'value' | 'key',
  findings: Findings,
): void {
  if (typeof claim !== 'string' || claim.split('.').every((part) => part !== '')) return;
  findings.fault(path, 'has an empty part in the path of a claim; must be such as sub or realm.roles', at);
}

export function refuseRepeats(
  values: readonly (string | number | boolean | readonly string[])[],
  path: KeyPath,
  findings: Findings,
): void {
  const texts = values.map((value) => JSON.stringify(value));
  texts.forEach((text, index) => {
    if (texts.indexOf(text) < index)
      findings.fault([...path, index], 'stands in the list twice; must stand once');
  });
}

function resolveWords(words: Words | undefined, path: KeyPath, findings: Findings): Demand | undefined {
  if (words === undefined) return undefined;
  if (Array.isArray(words)) {
    refuseRepeats(words, path, findings);
    return { match: 'all', values: words };
  }
  if ((words.any === undefined) === (words.all === undefined)) {
    if (!findings.wasWrongInside(path)) findings.fault(path, 'must have exactly one of any, all');
    return undefined;
  }
  const match = words.any === undefined ? 'all' : 'any';
  const values = words[match] ?? [];
  refuseRepeats(values, [...path, match], findings);
  return { match, values };
}

function resolveClaims(claims: Claims | undefined, path: KeyPath, findings: Findings): readonly ClaimRule[] {
  if (Array.isArray(claims)) {
    return claims.flatMap((one, index) => resolveListed(one, [...path, index], findings) ?? []);
  }
  const entries = Object.entries(claims ?? {});
  if (claims !== undefined && entries.length === 0 && !findings.wasWrongInside(path)) {
    findings.fault(path, 'is empty; must be a mapping such as { email_verified: true }', 'key');
  }
  return entries.flatMap(([claim, test]) => {
    const at = [...path, claim];
    checkClaimPath(claim, at, 'key', findings);
    return resolveTest(claim, test, at, findings) ?? [];
  });
}

/** One test of a list; it names its claim beside the test. */
function resolveListed(one: Listed, path: KeyPath, findings: Findings): ClaimRule | undefined {
  const { claim, equals, contains, exists } = one;
  if (claim === undefined) findings.missing([...path, 'claim'], 'the name of a claim, or a list of names');
  else checkClaimPath(claim, [...path, 'claim'], 'value', findings);
  if ([equals, contains, exists].filter((test) => test !== undefined).length !== 1) {
    if (!findings.wasWrongInside(path)) {
      findings.fault(path, 'must have exactly one of equals, contains, exists beside claim');
    }
    return undefined;
  }
  const at = equals === undefined ? path : [...path, 'equals'];
  return resolveTest(claim ?? '', equals ?? { contains, exists }, at, findings);
}

function resolveTest(claim: ClaimName, test: Test, path: KeyPath, findings: Findings): ClaimRule | undefined {
  if (typeof test !== 'object') return { claim, kind: 'one-of', values: [test] };
  if (Array.isArray(test)) {
    refuseRepeats(test, path, findings);
    return { claim, kind: 'one-of', values: test };
  }
  const { contains, exists } = test;
  if ((contains === undefined) === (exists === undefined)) {
    if (!findings.wasWrongInside(path)) findings.fault(path, 'must have exactly one of contains, exists');
    return undefined;
  }
  if (contains !== undefined) return { claim, kind: 'contains', value: contains };
  return { claim, kind: exists === true ? 'present' : 'absent' };
}
