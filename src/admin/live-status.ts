import type { GatewayFigures } from './figures.ts';
import { outcomeCounts } from './sample.ts';
import { statusFields } from './status.ts';
import type { AdminView } from './view.ts';

/** Rows of one kind that the page shows: more than a person reads. `/status` has all of them. */
const MAX_ROWS = 200;
/** Texts in one row: kids, names, faults. */
const MAX_TEXTS = 20;

/**
 * What the status page shows besides charts, some 500 bytes for each row.
 * @param canSetModes the viewer may drain servers.
 */
export function liveStatus(view: AdminView, gathered: GatewayFigures, canSetModes: boolean): object {
  const { upstreams, configuration, routes, listeners, listen, keySets, certificates, notReady, ...rest } =
    statusFields(view, gathered);
  const servers = upstreams.flatMap(({ name, servers }) =>
    servers.map((one) => ({ upstream: name, ...one })),
  );
  const { lastReload } = configuration;
  const { figures, workerDeaths } = gathered;
  const leftOut: Record<string, number> = {};
  const rows = <Row>(kind: string, all: readonly Row[]): readonly Row[] => {
    if (all.length > MAX_ROWS) leftOut[kind] = all.length - MAX_ROWS;
    return all.slice(0, MAX_ROWS);
  };
  return {
    ...rest,
    canSetModes,
    workerDeaths,
    outcomes: Object.fromEntries(outcomeCounts(figures.requests)),
    configuration: {
      ...configuration,
      lastReload: lastReload && { ...lastReload, faults: some(lastReload.faults) },
    },
    notReady: rows('notReady', notReady),
    listen: rows('listen', listen),
    listeners: rows('listeners', listeners),
    servers: rows('servers', servers),
    routes: rows('routes', routes),
    keySets: rows('keySets', keySets).map((set) => ({
      ...set,
      kids: some(set.kids),
      ignored: some(set.ignored),
    })),
    certificates: rows('certificates', certificates).map((one) => ({ ...one, names: some(one.names) })),
    leftOut,
  };
}

function some(texts: readonly string[]): readonly string[] {
  const more = texts.length - MAX_TEXTS;
  return more <= 0 ? texts : [...texts.slice(0, MAX_TEXTS), `and ${more} more`];
}
