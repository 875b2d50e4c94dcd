import { foreignText } from '../lib/foreign-text.ts';
import type { GatewayFigures } from './figures.ts';
import type { AdminView, HealthView, ListenView, ServerView } from './view.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Names of one certificate that are shown; an authority signs up to a hundred. */
const MAX_NAMES = 100;

/** The body of `/status`. */
export function statusOf(view: AdminView, gathered: GatewayFigures): object {
  return { ...statusFields(view, gathered), revocations: revocationsOf(view) };
}

/**
 * What `/status` has but for the revocations, whose times take a walk over all of them. The fields are named one by one, so
 * that a new field of the view is not published by accident.
 */
export function statusFields(view: AdminView, { figures, workers, engines }: GatewayFigures) {
  return {
    version: view.version,
    startedAt: new Date(view.startedAt).toISOString(),
    uptimeSeconds: Math.floor(view.uptimeSeconds()),
    addresses: [...view.addresses()],
    listen: Array.from(view.listen(), ({ address, protocols, tls }) => {
      const served = engines.find((one) => one.address === address);
      return {
        address,
        engine: served?.engine ?? null,
        reason: served?.reason ?? null,
        protocols: [...protocols],
        tls: tls === undefined ? null : tlsOf(tls),
      };
    }),
    configuration: configurationOf(view),
    listeners: workers.map((one) => ({
      pid: one.pid,
      state: one.state,
      uptimeSeconds: Math.floor(one.uptimeSeconds),
      connections: one.connections,
      cpuSeconds: one.cpuSeconds,
      residentBytes: one.residentBytes,
      loopDelaySeconds: one.loopDelaySeconds,
    })),
    notReady: view.notReady().map(({ what, why }) => ({ what, why })),
    connections: { open: figures.connections, h2: figures.h2Connections },
    tunnels: figures.tunnels.map(({ route, count }) => ({ route, open: count })),
    rateLimits: figures.rateKeys.map(({ limit, count }) => ({
      name: limit,
      keys: count,
      refused: figures.rateLimited.find((one) => one.limit === limit)?.count ?? 0,
    })),
    routes: Array.from(view.routes(), ({ name, issuers, upstream }) => ({
      name,
      issuers: [...issuers],
      upstream,
      outcomes: Object.fromEntries(
        figures.requests.filter(({ route }) => route === name).map(({ outcome, count }) => [outcome, count]),
      ),
    })),
    upstreams: Array.from(view.upstreams(), ({ name, servers }) => ({
      name,
      servers: servers.map((server) => serverStatus(name, server, figures)),
    })),
    certificates: Array.from(view.certificates(), ({ address, name, names, validTo, now, stapling }) => ({
      address,
      name: foreignText(name),
      names: names.slice(0, MAX_NAMES).map((one) => foreignText(one)),
      validTo: new Date(validTo).toISOString(),
      daysLeft: Math.floor((validTo - now) / DAY_MS),
      stapling:
        stapling === undefined
          ? null
          : {
              until: stapling.until === undefined ? null : new Date(stapling.until).toISOString(),
              lastError: stapling.lastError ?? null,
            },
    })),
    keySets: Array.from(view.keySets(), (set) => ({
      issuer: set.issuer,
      source: set.source,
      kids: set.kids.map((kid) => foreignText(kid)),
      ageSeconds: wholeSeconds(set.ageSeconds),
      nextRefreshSeconds: wholeSeconds(set.nextRefreshSeconds),
      lastError: set.lastError ?? null,
      ignored: [...set.ignored],
    })),
    cache: {
      entries: figures.cacheEntries,
      hits: figures.cacheHits,
      misses: figures.cacheMisses,
    },
  };
}

function tlsOf({ minVersion, clientCertificates }: NonNullable<ListenView['tls']>) {
  return { minVersion, clientCertificates: clientCertificates ?? null };
}

function configurationOf(view: AdminView) {
  const { file, loadedAt, lastReload } = view.configuration();
  return {
    file: file ?? null,
    loadedAt: new Date(loadedAt).toISOString(),
    lastReload:
      lastReload === undefined
        ? null
        : {
            at: new Date(lastReload.at).toISOString(),
            ok: lastReload.ok,
            faults: [...lastReload.faults],
          },
  };
}

function serverStatus(
  upstream: string,
  { address, server, weight, backup, mode, health, lookup }: ServerView,
  { servers, serverConnections }: GatewayFigures['figures'],
) {
  const isThis = (one: { readonly upstream: string; readonly address: string }): boolean =>
    one.upstream === upstream && one.address === address;
  const known = servers.find(isThis);
  return {
    address,
    server,
    weight,
    backup,
    mode,
    healthy: known?.state !== 'down' && known?.ejected === undefined && health?.healthy !== false,
    state: known?.state ?? 'untried',
    cause: known?.cause ?? null,
    since: known === undefined ? null : new Date(known.since).toISOString(),
    failed: known?.failed ?? 0,
    connections: serverConnections.find(isThis)?.count ?? 0,
    ejected:
      known?.ejected === undefined
        ? null
        : { ...known.ejected, until: new Date(known.ejected.until).toISOString() },
    health: healthOf(health),
    lookup:
      lookup === undefined
        ? null
        : { lastError: lookup.lastError ?? null, nextSeconds: wholeSeconds(lookup.nextSeconds) },
  };
}

function healthOf(health: HealthView | undefined) {
  if (health === undefined) return { state: 'unchecked', since: null, fails: 0, last: null };
  const { healthy, since, fails, last } = health;
  return {
    state: healthy ? 'healthy' : 'unhealthy',
    since: new Date(since).toISOString(),
    fails,
    last:
      last === undefined
        ? null
        : {
            result: last.result,
            detail: foreignText(last.detail),
            at: new Date(last.at).toISOString(),
            seconds: Math.round(last.tookMs) / 1000,
          },
  };
}

function revocationsOf(view: AdminView): object | null {
  const revocations = view.revocations();
  if (revocations === undefined) return null;
  const { entries, foreign: fromRedis, oldest, newest } = revocations;
  return { entries, fromRedis, oldest: isoTime(oldest), newest: isoTime(newest) };
}

function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}

function wholeSeconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.floor(seconds);
}
