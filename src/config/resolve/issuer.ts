import { algorithms as knownAlgorithms } from '../../keys/algorithms.ts';
import type { IssuerConfig, RemoteKeysConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileIssuer } from '../schema/issuer.ts';
import { nearest } from '../schema/nearest.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { resolveKeys } from './issuer-keys.ts';
import { keySources } from './key-sources.ts';
import { resolveRemote } from './remote-keys.ts';
import { checkClaimPath, refuseRepeats } from './require.ts';

const ANY = 'any';

export function resolveIssuers(
  file: FileConfig,
  folder: string,
  findings: Findings,
): ReadonlyMap<string, IssuerConfig> {
  const issuers = new Map<string, IssuerConfig>();
  for (const [name, issuer] of Object.entries(file.issuers)) {
    const path = ['issuers', name];
    if (findings.wasWrong(path)) continue;
    if (name === 'none' || name === 'deny') {
      const meaning = name === 'none' ? 'no check' : 'no request';
      findings.fault(
        path,
        `cannot be the name of an issuer, because auth: ${name} means ${meaning}; must be another`,
        'key',
      );
    }
    issuers.set(name, resolveIssuer(name, issuer, path, folder, findings));
  }
  refuseTwins(issuers, findings);
  return issuers;
}

function resolveIssuer(
  name: string,
  issuer: FileIssuer,
  path: KeyPath,
  folder: string,
  findings: Findings,
): IssuerConfig {
  if (issuer.issuer === undefined) findings.missing([...path, 'issuer'], 'the exact iss claim, or any');
  if (issuer.audience === undefined)
    findings.missing([...path, 'audience'], 'an audience, a list of them, or any');
  if (issuer.algorithms === undefined)
    findings.missing([...path, 'algorithms'], 'a list of algorithms such as [RS256]');
  const algorithms = (issuer.algorithms ?? []).filter((algorithm, index, all) =>
    isUsable(algorithm, all.indexOf(algorithm) < index, [...path, 'algorithms', index], findings),
  );
  const sources = keySources(issuer, algorithms, path, findings);
  const remotes = sources.flatMap((source) => resolveRemote(source, issuer.issuer, findings) ?? []);
  refuseSameAddress(remotes, [...path, 'keys'], findings);
  const { audience, audienceMatch } = resolveAudience(issuer.audience, [...path, 'audience'], findings);
  refuseRepeats(issuer.require, [...path, 'require'], findings);
  // The spelling in which types are compared.
  const types = issuer.tokenTypes?.map((type) => type.toLowerCase().replace(/^application\//, ''));
  refuseRepeats(types ?? [], [...path, 'tokenTypes'], findings);
  checkClaimPath(issuer.rolesClaim, [...path, 'rolesClaim'], 'value', findings);
  warnAboutOpenDoors(issuer, path, findings);
  return {
    name,
    issuer: issuer.issuer === ANY ? undefined : issuer.issuer,
    audience,
    audienceMatch,
    expiry: issuer.expiry,
    algorithms,
    keys: sources.flatMap((source) => resolveKeys(source, folder, findings)),
    remotes: remotes.length === 0 ? undefined : remotes,
    clockToleranceMs: issuer.clockTolerance,
    require: issuer.require,
    maxAgeMs: issuer.maxAge ?? Number.POSITIVE_INFINITY,
    tokenTypes: types,
    rejectIdTokens: issuer.rejectIdTokens,
    rolesClaim: issuer.rolesClaim,
  };
}

/** Refuses two sources with one address: the state folder distinguishes fetched sets by their address. */
function refuseSameAddress(remotes: readonly RemoteKeysConfig[], path: KeyPath, findings: Findings): void {
  const places = remotes.map(({ kind, url }) => `${kind} ${url}`);
  if (new Set(places).size === places.length) return;
  findings.fault(
    path,
    'fetches two sources from one address; must be one source with the algorithms of both',
    'key',
  );
}

function resolveAudience(
  written: FileIssuer['audience'],
  path: KeyPath,
  findings: Findings,
): Pick<IssuerConfig, 'audience' | 'audienceMatch'> {
  if (written === ANY) return { audience: undefined, audienceMatch: 'any' };
  const isAll = typeof written === 'object' && !Array.isArray(written);
  const audience = isAll ? written.all : [written ?? []].flat();
  if (audience.includes(ANY)) {
    findings.fault(path, 'is a list with any in it; must be any alone, or a list of audiences');
  }
  refuseRepeats(audience, isAll ? [...path, 'all'] : path, findings);
  return { audience, audienceMatch: isAll ? 'all' : 'any' };
}

function isUsable(algorithm: string, repeated: boolean, path: KeyPath, findings: Findings): boolean {
  if (repeated) {
    findings.fault(path, 'stands in the list twice; must stand once');
    return false;
  }
  if (knownAlgorithms.has(algorithm)) return true;
  if (algorithm.toLowerCase() === 'none') {
    findings.fault(path, 'would let tokens in without a signature; must be an algorithm such as RS256');
    return false;
  }
  const meant = nearest(algorithm, [...knownAlgorithms.keys()]);
  findings.fault(
    path,
    `${findings.quote(path, algorithm)} is not a known algorithm; must be ${meant === undefined ? `one of ${[...knownAlgorithms.keys()].join(', ')}` : `${meant} if that is meant`}`,
  );
  return false;
}

function warnAboutOpenDoors(issuer: FileIssuer, path: KeyPath, findings: Findings): void {
  if (issuer.issuer === ANY) {
    findings.warn(
      [...path, 'issuer'],
      'any: tokens of every issuer are accepted that one of the keys verifies',
    );
  }
  if (issuer.audience === ANY) {
    findings.warn([...path, 'audience'], 'any: tokens meant for other services are accepted');
  }
  if (issuer.expiry === 'optional') {
    findings.warn([...path, 'expiry'], 'optional: tokens without exp are accepted for ever');
  }
}

/** Refuses two issuers with the same iss and audience: their order would decide which keys and rules a token meets. */
function refuseTwins(issuers: ReadonlyMap<string, IssuerConfig>, findings: Findings): void {
  const all = [...issuers.values()].filter(({ name }) =>
    ['issuer', 'audience'].every((key) => !findings.wasWrong(['issuers', name, key])),
  );
  all.forEach((issuer, index) => {
    const twin = all
      .slice(0, index)
      .find((other) => other.issuer === issuer.issuer && share(other.audience, issuer.audience));
    if (twin === undefined) return;
    findings.fault(
      ['issuers', issuer.name],
      `has the same iss and audience as the issuer ${twin.name}; must differ from it in one of them`,
      'key',
    );
  });
}

function share(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((audience) => b.includes(audience));
}
