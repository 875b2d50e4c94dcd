import type { AdminView } from './view.ts';

/**
 * The body of `/status`. Each field is named here one by one, so that something added to the view is not
 * published by accident.
 */
export function statusOf(view: AdminView): object {
  return {
    version: view.version,
    startedAt: new Date(view.startedAt).toISOString(),
    uptimeSeconds: Math.floor(view.uptimeSeconds()),
    listeners: [...view.listeners()],
    notReady: view.notReady().map(({ what, why }) => ({ what, why })),
    upstreams: Array.from(view.upstreams(), ({ name, servers }) => ({
      name,
      servers: servers.map(({ address, healthy }) => ({ address, healthy })),
    })),
    keySets: Array.from(view.keySets(), ({ issuer, kids, ageSeconds, lastError }) => ({
      issuer,
      kids: [...kids],
      ageSeconds: Math.floor(ageSeconds),
      lastError: lastError ?? null,
    })),
    cache: {
      entries: view.cacheEntries(),
      hits: view.cacheHits.value,
      misses: view.cacheMisses.value,
    },
  };
}
