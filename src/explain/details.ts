import type { CheckName } from '../auth/checks.ts';
import { MAX_AUDIENCES } from '../auth/read/audience-names.ts';
import { ClaimPath } from '../auth/read/claim-path.ts';
import type { ClaimName } from '../config/claim-name.ts';
import type { Demand, IssuerConfig, RouteConfig, TokenPlace } from '../config/config.ts';
import { tokenAlgorithms } from '../keys/algorithms.ts';
import { slashHint } from '../lib/slash-hint.ts';
import { claim, headerMember, shown, type TokenFacts } from './token-facts.ts';

/** The facts of one request, from which the checks take their details. */
export interface Case {
  readonly route: RouteConfig;
  /** The issuers of the route; empty on a public route. */
  readonly issuers: readonly IssuerConfig[];
  /** The issuer that the token names, if the route has it. */
  readonly issuer: IssuerConfig | undefined;
  /** Ids of the keys in force, `undefined` for a key without one. */
  readonly kids: readonly (string | undefined)[];
  /** Where the keys come from; after a failed fetch with the reason. */
  readonly keySource: string;
  readonly facts: TokenFacts;
  /** Whether the gateway takes revocations. */
  readonly revocable: boolean;
  /** Whether revocations are kept in a state folder, the only place where `explain` reads them. */
  readonly keepsRevocations: boolean;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

/** For each check, a text with the values that it compared. */
export const details: Readonly<Record<CheckName, (about: Case) => string>> = {
  token: ({ facts, route }) =>
    facts.characters === 0
      ? `none; it is looked for in ${placesOf(route)}`
      : `${facts.characters} characters, in ${placesOf(route)}`,
  form: ({ facts }) => `${facts.segments} segments of base64url, 3 are wanted, and at most 16383 characters`,
  header: ({ facts }) => (facts.header === undefined ? facts.headerFault : shown(facts.header)),
  algorithm: ({ facts, issuers }) =>
    `alg ${shown(headerMember(facts, 'alg'))}; accepted: ${algorithms(issuers)}`,
  payload: ({ facts }) =>
    facts.claims === undefined
      ? facts.claimsFault
      : `claims ${Object.keys(facts.claims).map(shown).join(', ')}`,
  issuer: issuerDetail,
  audience: audienceDetail,
  extensions: ({ facts }) => {
    const found = ['crit', 'b64'].filter((name) => headerMember(facts, name) !== undefined);
    return found.length === 0
      ? 'no crit, no b64, and a canonical spelling'
      : `${found.join(' and ')} in the header`;
  },
  key: ({ facts, kids, keySource }) => {
    const named = kids.filter((kid) => kid !== undefined).map(shown);
    const unnamed = kids.length === 0 ? 'none' : `${kids.length} without kid`;
    const known = named.length === 0 ? unnamed : named.join(', ');
    return `kid ${shown(headerMember(facts, 'kid'))}; keys from ${keySource}: ${known}`;
  },
  signature: ({ issuer }) => `with the keys of ${issuer?.name ?? 'the issuer'} that fit`,
  times: timesDetail,
  'required claims': ({ facts, issuer }) => {
    const wanted = [
      ...(issuer?.expiry === 'required' ? ['exp'] : []),
      ...((issuer?.maxAgeMs ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY ? ['iat'] : []),
      ...(issuer?.require ?? []),
    ];
    const missing = wanted.filter((name) => required(facts, name) === undefined);
    if (wanted.length === 0) return 'none';
    const names = wanted.map(nameOf).join(', ');
    return missing.length === 0 ? names : `${missing.map(nameOf).join(', ')} of ${names} missing`;
  },
  revocation: ({ facts, revocable, keepsRevocations }) => {
    if (!revocable) return 'none is configured';
    if (!keepsRevocations) return 'not looked for: without state, only Redis or a running gateway knows them';
    const marks = ['sub', 'jti', 'sid'].map((name) => `${name} ${shown(claim(facts, name))}`);
    return `${marks.join(', ')}, issued at ${time(claim(facts, 'iat'))}`;
  },
  kind: ({ facts, issuer }) => {
    const wanted = issuer?.tokenTypes === undefined ? 'any' : issuer.tokenTypes.join(', ');
    const bound =
      claim(facts, 'cnf') === undefined
        ? ''
        : '; cnf binds the token to a key, and a bearer token comes without a proof of it';
    return `typ ${shown(headerMember(facts, 'typ'))}; accepted: ${wanted}${bound}`;
  },
  scopes: ({ facts, route }) =>
    `scope ${shown(claim(facts, 'scope'))}, scp ${shown(claim(facts, 'scp'))}; wanted: ${demand(route.require?.scopes)}`,
  roles: ({ facts, route, issuer }) => {
    const name = issuer?.rolesClaim ?? '';
    const value = facts.claims === undefined ? undefined : new ClaimPath(name).find(facts.claims);
    return `${nameOf(name)} ${shown(value)}; wanted: ${demand(route.require?.roles)}`;
  },
  claims: ({ route }) => {
    const rules = route.require?.claims ?? [];
    return rules.length === 0 ? 'wanted: nothing' : `wanted: ${rules.map((rule) => shown(rule)).join(', ')}`;
  },
  'identity headers': ({ route }) => {
    const names = [
      ...route.forward.headers.keys(),
      ...(route.forward.payload === undefined ? [] : [route.forward.payload]),
    ];
    return names.length === 0 ? 'none' : names.join(', ');
  },
};

/** The value of a required claim. A dot in its name is part of the name. */
function required(facts: TokenFacts, name: ClaimName): unknown {
  const path = typeof name === 'string' ? [name] : name;
  return facts.claims === undefined ? undefined : new ClaimPath(path).find(facts.claims);
}

function nameOf(name: ClaimName): string {
  return typeof name === 'string' ? name : `[${name.join(', ')}]`;
}

function placesOf({ token }: RouteConfig): string {
  if (token === undefined) return 'Authorization: Bearer';
  return token.map(placeOf).join(', ');
}

function placeOf(place: TokenPlace): string {
  switch (place.kind) {
    case 'header':
      return `the header ${place.name}${place.scheme === undefined ? '' : ` behind ${place.scheme}`}`;
    case 'cookie':
      return `the cookie ${place.name}`;
    case 'query':
      return `the query parameter ${place.name}`;
    case 'protocol':
      return `the subprotocol behind ${place.name}`;
  }
}

function algorithms(issuers: readonly IssuerConfig[]): string {
  return [...new Set(issuers.flatMap((issuer) => tokenAlgorithms(issuer.algorithms)))].join(', ');
}

function issuerDetail({ facts, issuers }: Case): string {
  const iss = claim(facts, 'iss');
  const wanted = issuers.map(({ issuer }) => (issuer === undefined ? 'any' : shown(issuer)));
  const hints = issuers.map(({ issuer }) =>
    typeof iss === 'string' && issuer !== undefined ? slashHint(iss, issuer) : '',
  );
  const hint = hints.find((text) => text !== '') ?? '';
  return `iss ${shown(iss)}; accepted: ${wanted.join(', ')}${hint}`;
}

function audienceDetail({ facts, issuers, issuer }: Case): string {
  const iss = claim(facts, 'iss');
  const asked =
    issuer === undefined ? issuers.filter((one) => one.issuer === undefined || one.issuer === iss) : [issuer];
  const wanted = asked.map(({ audience, audienceMatch }) =>
    audience === undefined ? 'any' : `${audienceMatch} of ${audience.map(shown).join(', ')}`,
  );
  const aud = claim(facts, 'aud');
  const names = Array.isArray(aud) ? aud.length : 0;
  const excess = names > MAX_AUDIENCES ? `, ${names} names, of which at most ${MAX_AUDIENCES} are read` : '';
  return `aud ${shown(aud)}${excess}; accepted: ${wanted.join(', or ')}`;
}

function timesDetail({ facts, issuer, now }: Case): string {
  const parts = ['exp', 'nbf', 'iat'].map((name) => `${name} ${time(claim(facts, name))}`);
  const tolerance = (issuer?.clockToleranceMs ?? 0) / 1000;
  return `${parts.join(', ')}; now ${new Date(now).toISOString()}, tolerance ${tolerance} s`;
}

/** The last second that a Date can express. */
const LAST_SECOND = 8.64e12;

function time(value: unknown): string {
  if (typeof value !== 'number' || Math.abs(value) > LAST_SECOND) return shown(value);
  return new Date(value * 1000).toISOString();
}

function demand(wanted: Demand | undefined): string {
  return wanted === undefined ? 'nothing' : `${wanted.match} of ${wanted.values.join(', ')}`;
}
