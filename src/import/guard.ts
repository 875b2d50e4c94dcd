import type { TokenAtom, TokenDemand } from './token-test.ts';

/** An issuer as the rules of a file describe it. */
export interface IssuerSpec {
  /** Undefined: any. */
  readonly issuer: string | undefined;
  /** Undefined: any. */
  readonly audience: readonly string[] | undefined;
  /** Undefined: the file restricts it nowhere. */
  readonly algorithms: readonly string[] | undefined;
  /** The file with the key, or a secret. */
  readonly key: string;
  readonly tolerance: number;
  readonly checksExpiry: boolean;
  readonly require: readonly string[];
}

/** A claim and what it must be. */
export interface ClaimDemand {
  readonly claim: readonly string[];
  readonly values: readonly string[];
  readonly how: 'equals' | 'contains';
  readonly numeric: boolean;
}

/** What a route demands of a token. */
export interface Guard {
  readonly place: string;
  readonly issuers: readonly IssuerSpec[];
  readonly scopes: readonly (readonly string[])[];
  readonly claims: readonly ClaimDemand[];
}

/** The guard that lets in only tokens that meet all demands of one alternative. Undefined where there is no such guard. */
export function guardOf(alternatives: readonly (readonly TokenAtom[])[]): Guard | undefined {
  const guards = alternatives.map(guardOfOne);
  const [first] = guards;
  if (first === undefined) return undefined;
  const issuers: IssuerSpec[] = [];
  for (const guard of guards) {
    // Alternatives differ in their issuers only; all else counts for a whole route.
    if (guard === undefined || guard.place !== first.place) return undefined;
    if (JSON.stringify([guard.scopes, guard.claims]) !== JSON.stringify([first.scopes, first.claims]))
      return undefined;
    issuers.push(...guard.issuers);
  }
  return { ...first, issuers };
}

function guardOfOne(atoms: readonly TokenAtom[]): Guard | undefined {
  const places = new Set(atoms.map(({ place }) => place));
  const [place] = places;
  if (place === undefined || places.size > 1) return undefined;
  let algorithms: readonly string[] | undefined;
  let key: string | undefined;
  let names: readonly string[] | undefined;
  let audience: readonly string[] | undefined;
  let tolerance: number | undefined;
  const require = new Set<string>();
  const scopes: (readonly string[])[] = [];
  const claims: ClaimDemand[] = [];
  for (const { demand } of atoms) {
    switch (demand.kind) {
      case 'found':
      case 'begun':
        break;
      case 'alg':
        algorithms = both(algorithms, usable(demand.values));
        break;
      case 'signature':
        if (key !== undefined && key !== demand.key) return undefined;
        key = demand.key;
        if (demand.alg !== undefined) algorithms = both(algorithms, usable([demand.alg]));
        break;
      case 'unexpired':
        tolerance = Math.min(tolerance ?? Number.POSITIVE_INFINITY, demand.tolerance);
        break;
      case 'has':
        if (demand.claim.length > 1) claims.push({ ...demand, values: [], how: 'equals', numeric: false });
        else if (!['iss', 'aud', 'exp'].includes(demand.claim[0] ?? '')) require.add(demand.claim[0] ?? '');
        break;
      case 'equals':
        if (demand.claim.length === 1 && demand.claim[0] === 'iss' && !demand.numeric)
          names = both(names, demand.values);
        else if (demand.claim.length === 1 && demand.claim[0] === 'aud' && !demand.numeric)
          audience = both(audience, demand.values);
        else claims.push({ ...demand, how: 'equals' });
        break;
      case 'contains':
        if (demand.claim.join('.') === 'scope') scopes.push(demand.values);
        else if (demand.values.length > 1) return undefined;
        else claims.push({ ...demand, how: 'contains', numeric: false });
        break;
    }
  }
  const isImpossible = [algorithms, names, audience].some((values) => values?.length === 0);
  if (key === undefined || isImpossible) return undefined;
  const found = key;
  const spec = {
    audience,
    algorithms,
    key: found,
    tolerance: tolerance ?? 0,
    checksExpiry: tolerance !== undefined,
    require: [...require].sort(),
  };
  const issuers = (names ?? [undefined]).map((issuer): IssuerSpec => ({ issuer, ...spec }));
  return { place, issuers, scopes, claims };
}

/** Algorithms that one source of keys can have: a secret and public keys never share one. */
function usable(algorithms: readonly string[]): readonly string[] {
  const known = algorithms.filter((name) => /^(?:RS|PS|ES|HS)(?:256|384|512)$/.test(name));
  const isPublic = known.some((name) => !name.startsWith('HS'));
  return isPublic ? known.filter((name) => !name.startsWith('HS')) : known;
}

function both(known: readonly string[] | undefined, wanted: readonly string[]): readonly string[] {
  return known === undefined ? wanted : known.filter((value) => wanted.includes(value));
}

/** Whether a token may meet the one demand and not the other, and so on: which values two atoms can have at one time. */
export function canBe(one: TokenAtom, first: boolean, other: TokenAtom, second: boolean): boolean {
  if (one.place !== other.place) return true;
  if (other.demand.kind === 'found') return !first || second || isPresent(one.demand) === false;
  if (one.demand.kind === 'found') return !second || first || isPresent(other.demand) === false;
  const [a, b] = [valuesOf(one.demand), valuesOf(other.demand)];
  if (a === undefined || b === undefined || a.of !== b.of) return true;
  const isShared = a.values.some((value) => b.values.includes(value));
  if (first && second) return isShared;
  if (first && !second) return a.values.some((value) => !b.values.includes(value));
  return first || !second || b.values.some((value) => !a.values.includes(value));
}

/** Whether a token that meets the demand is there at all. */
function isPresent(demand: TokenDemand): boolean {
  return demand.kind !== 'begun';
}

function valuesOf(demand: TokenDemand): { of: string; values: readonly string[] } | undefined {
  if (demand.kind === 'alg') return { of: 'alg', values: demand.values };
  return demand.kind === 'equals' ? { of: JSON.stringify(demand.claim), values: demand.values } : undefined;
}
