import type { GatewayFigures } from '../admin/figures.ts';
import type {
  AdminView,
  ConfigurationView,
  HealthView,
  KeySetView,
  NotReady,
  RevocationsView,
  ServerView,
} from '../admin/view.ts';
import type { Config } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import type { VerificationKey } from '../keys/key.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { version } from '../lib/version.ts';
import type { RevocationStore } from '../revocation/store.ts';
import type { ServerHealth } from '../watch/server-health.ts';
import type { EndpointView } from '../watch/upstream-servers.ts';
import type { ControlPlane } from './control-plane.ts';

interface AdminViewSources {
  /** The configuration in force at the time of the call. */
  readonly config: () => Config;
  readonly configuration: () => ConfigurationView;
  readonly control: ControlPlane;
  readonly log: Log;
  /** Bound addresses. */
  readonly addresses: () => readonly string[];
  readonly draining: () => boolean;
  /** Why the servers cannot take traffic. */
  readonly notServing: () => readonly NotReady[];
  /** See `AdminView.gather`. */
  readonly gather: () => Promise<GatewayFigures>;
}

/** The admin address's view of a gateway, in one process or in several. */
export function adminView(sources: AdminViewSources): AdminView {
  const { config, control, log } = sources;
  const startedAt = systemClock.wall();
  const startedMonotonic = systemClock.monotonic();
  const uptimeSeconds = (): number => (systemClock.monotonic() - startedMonotonic) / 1000;
  return {
    version,
    startedAt,
    uptimeSeconds,
    addresses: sources.addresses,
    gather: sources.gather,
    configuration: sources.configuration,
    notReady() {
      if (sources.draining()) return [{ what: 'gateway', why: 'it is shutting down' }];
      const notServing = sources.notServing();
      if (notServing.length > 0) return notServing;
      return [
        ...Array.from(control.keySets.missing(), ({ issuer, why }) => ({ what: `issuer ${issuer}`, why })),
        ...(control.revocation?.troubles() ?? []).map((why) => ({ what: 'revocation', why })),
      ];
    },
    *keySets() {
      for (const { name, keys } of config().issuers.values()) {
        const fetched = control.keySets.of(name);
        if (fetched === undefined || keys.length > 0) yield configuredKeySet(name, keys, uptimeSeconds());
        for (const set of fetched?.sets ?? []) {
          const { kids, ageSeconds, source, lastError, nextRefreshSeconds, ignored } = set;
          yield { issuer: name, kids, ageSeconds, source, lastError, nextRefreshSeconds, ignored };
        }
      }
    },
    *listen() {
      const bound = sources.addresses();
      for (const [index, address] of config().listen.entries()) {
        const { tls, protocols } = address;
        yield {
          address: bound[index] ?? addressText(address),
          protocols: protocols ?? (tls === undefined ? ['http/1.1'] : ['h2', 'http/1.1']),
          tls: tls && { minVersion: tls.minVersion, clientCertificates: tls.clientCertificates?.mode },
        };
      }
    },
    *routes() {
      for (const { name, auth, upstream } of config().routes) {
        yield { name, issuers: auth === 'none' ? [] : auth, upstream };
      }
    },
    *upstreams() {
      for (const { name } of config().upstreams.values()) {
        yield { name, servers: control.upstreams.view(name)?.map(serverView) ?? [] };
      }
    },
    *healthChecks() {
      for (const [upstream, { members }] of control.upstreams.results) {
        for (const [result, { value }] of members) yield { upstream, result, count: value };
      }
    },
    *certificates() {
      const now = systemClock.wall();
      for (const address of config().listen) {
        for (const { name, names, validTo, fingerprint } of address.tls?.certificates ?? []) {
          const { staple, lastError } = control.staples.of(fingerprint) ?? {};
          const isStapled = address.tls?.stapling === true && control.staples.of(fingerprint) !== undefined;
          const stapling = isStapled ? { until: staple?.until, lastError } : undefined;
          yield { address: addressText(address), name, names, validTo, now, stapling };
        }
      }
    },
    revocations: () => {
      const store = control.revocation?.store;
      return store && revocationsView(store);
    },
    *revocationsReceived() {
      for (const [source, { value }] of control.revocation?.store.received.members ?? []) {
        yield { source, count: value };
      }
    },
    revocationsRefused: () => control.revocation?.refused() ?? [],
    fault: (error) => log.error({ error }, 'the admin address could not answer'),
  };
}

/** The view of the store of revocations. */
export function revocationsView(store: Pick<RevocationStore, 'size' | 'foreign' | 'span'>): RevocationsView {
  return {
    entries: store.size,
    foreign: store.foreign,
    // Walks over all revocations, so only `/status` reads it; a scrape of the metrics does not.
    get oldest() {
      return store.span().oldest;
    },
    get newest() {
      return store.span().newest;
    },
  };
}

function serverView({ health, name, ...server }: EndpointView): ServerView {
  return { ...server, health: health && healthView(health), lookup: name };
}

function healthView({ healthy, since, inRow, last }: ServerHealth): HealthView {
  if (last === undefined) return { healthy, since, fails: 0, last };
  const { result, at, tookMs } = last;
  const { ok, detail } = result;
  return {
    healthy,
    since,
    fails: ok ? 0 : inRow,
    last: { result: ok ? 'ok' : result.cause, detail, at, tookMs },
  };
}

/** Keys of the configuration are as old as the gateway; they are never fetched. */
function configuredKeySet(issuer: string, keys: readonly VerificationKey[], ageSeconds: number): KeySetView {
  const kids = keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  return {
    issuer,
    kids,
    ageSeconds,
    source: 'configuration',
    lastError: undefined,
    nextRefreshSeconds: undefined,
    ignored: [],
  };
}
