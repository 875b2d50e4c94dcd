import { discoveryUrl, lacksDocument, urlObstacle } from '../../keys/key-url.ts';
import type { RemoteKeysConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { type FileKeys, remoteDefaults } from '../schema/keys.ts';
import { formatDuration } from '../schema/units.ts';
import type { Findings } from './findings.ts';
import type { KeySource } from './key-sources.ts';

const SETTINGS = ['refreshMin', 'refreshMax', 'timeout', 'stale', 'unknownKidGap', 'allowHttp'] as const;

/** Whether keys.jwks names an address and not a file. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * The settings by which the keys of a source are fetched; undefined for other sources and for wrong settings. Opens no
 * connection.
 * @param iss the expected `iss`, or `any`.
 */
export function resolveRemote(
  source: KeySource,
  iss: string | undefined,
  findings: Findings,
): RemoteKeysConfig | undefined {
  const { keys, path } = source;
  if (keys === undefined) return undefined;
  const place = placeOf(keys, path, findings);
  if (place === undefined) return undefined;
  const { kind, text } = place;
  const at = [...path, kind];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const obstacle =
    url === undefined
      ? /^[^\s/:]+\.[^\s]+$/.test(text)
        ? 'has no scheme; must have https:// before it'
        : 'is no URL; must be one such as https://idp.example'
      : urlObstacle(url, keys.allowHttp === true);
  if (obstacle !== undefined) findings.fault(at, obstacle);
  else if (kind === 'discovery' && url !== undefined && lacksDocument(url)) {
    findings.fault(
      at,
      'ends with /.well-known and names no document there; must be the URL of the provider, or of the whole document',
    );
  }
  if (kind === 'discovery' && iss === 'any') {
    findings.fault(at, 'needs the issuer that the document must name; must come with issuer other than any');
  }
  const times = { ...remoteDefaults, ...given(keys) };
  refuseOrder(times, path, findings);
  if (url === undefined) return undefined;
  url.hash = '';
  return {
    kind,
    url: (kind === 'discovery' ? discoveryUrl(url) : url).href,
    // A single source has the algorithms of its issuer.
    ...(source.isPinned ? { algorithms: source.algorithms } : {}),
    allowHttp: keys.allowHttp === true,
    refreshMinMs: times.refreshMin,
    refreshMaxMs: times.refreshMax,
    timeoutMs: times.timeout,
    staleMs: times.stale,
    unknownKidGapMs: times.unknownKidGap,
  };
}

function placeOf(
  keys: FileKeys,
  path: KeyPath,
  findings: Findings,
): { kind: RemoteKeysConfig['kind']; text: string } | undefined {
  if (keys.discovery !== undefined) return { kind: 'discovery', text: keys.discovery };
  if (keys.jwks !== undefined && isUrl(keys.jwks)) return { kind: 'jwks', text: keys.jwks };
  if (keys.pem === undefined && keys.jwks === undefined && keys.secret === undefined) return undefined;
  for (const name of SETTINGS) {
    if (keys[name] === undefined) continue;
    const at = [...path, name];
    findings.fault(at, 'has no effect on keys that are not fetched; must be left out', 'key');
  }
  return undefined;
}

function given(keys: FileKeys): Partial<Record<keyof typeof remoteDefaults, number>> {
  return Object.fromEntries(
    Object.keys(remoteDefaults).flatMap((name) => {
      const value = keys[name as keyof typeof remoteDefaults];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Refuses times that contradict each other: keys that expire before their refresh would be missing at times. */
function refuseOrder(
  times: Readonly<Record<keyof typeof remoteDefaults, number>>,
  path: KeyPath,
  findings: Findings,
): void {
  const { refreshMin, refreshMax, stale } = times;
  if (refreshMin > refreshMax) {
    const most = formatDuration(refreshMax);
    findings.fault([...path, 'refreshMin'], `is above refreshMax, which is ${most}; must be at most that`);
  }
  if (stale < 2 * refreshMax) {
    const least = formatDuration(2 * refreshMax);
    findings.fault(
      [...path, 'stale'],
      `leaves no time for a second try; must be at least ${least}, twice refreshMax`,
    );
  }
}
