import type { Arrival, Cell, HostCell, PathCell } from './cell.ts';
import { type Decision, decide } from './decide.ts';
import { nextHost, parentOf } from './grid.ts';
import type { Place } from './proxy.ts';
import type { Rule } from './rule.ts';
import type { Scene } from './walk.ts';

/** What a route of our configuration says, but for what it matches. */
export interface RoutePlan {
  readonly decision: Exclude<Decision, { kind: 'https' | 'unserved' }>;
  /** The same for plans that say the same. */
  readonly key: string;
}

/** A route: the requests that it takes, and what it does with them. */
export interface PlannedRoute {
  readonly host: HostCell;
  /** `tree`: the path itself, and all below it. */
  readonly path: { readonly kind: PathCell['kind'] | 'tree'; readonly text: string };
  /** Undefined: all. */
  readonly methods: readonly string[] | undefined;
  readonly plan: RoutePlan;
}

/** The routes of one address. */
export interface Table {
  readonly routes: readonly PlannedRoute[];
  /** Some requests get a redirect to https. */
  readonly redirects: boolean;
}

/** Cells of a file; a gateway has at most as many routes. */
const MAX_CELLS = 20_000;

/** Decisions of one path by method, `''` for all other methods. */
type ByMethod = Map<string, RoutePlan | undefined>;

/** What could be told of a decision, in words of our configuration. */
export type Describe = (decision: RoutePlan['decision']) => string;

/** Divides the requests of a frontend into routes. Undefined if there would be too many. */
export function planRoutes(
  scene: Scene,
  arrival: Arrival,
  notes: Set<Rule>,
  describe: Describe,
): Table | undefined {
  const { grid } = scene;
  let decided: readonly { cell: Cell; decision: Decision }[] = [];
  for (let size = -1; size < grid.size; ) {
    size = grid.size;
    const cells = grid.cells(arrival);
    if (cells.length > MAX_CELLS) return undefined;
    decided = cells.map((cell) => ({ cell, decision: decide(scene, cell, notes) }));
  }
  const redirects = decided.some(({ decision }) => decision.kind === 'https');
  const table = new Map<HostCell, Map<PathCell, ByMethod>>();
  const [hosts, paths] = [grid.hosts, grid.paths];
  const hostOf = new Map<string, HostCell>(hosts.map((host) => [JSON.stringify(host), host]));
  const pathOf = new Map<string, PathCell>(paths.map((path) => [JSON.stringify(path), path]));
  for (const { cell, decision } of decided) {
    const host = hostOf.get(JSON.stringify(cell.host)) as HostCell;
    const path = pathOf.get(JSON.stringify(cell.path)) as PathCell;
    const rows = table.get(host) ?? new Map<PathCell, ByMethod>();
    table.set(host, rows);
    const row = rows.get(path) ?? new Map();
    rows.set(path, row);
    row.set(cell.method ?? '', planOf(decision, describe));
  }
  closeHoles(table, hosts, paths, scene.frontend);
  const kept = hosts.filter((host) => !isAsNext(host, hosts, table));
  return {
    redirects,
    routes: kept.flatMap((host) => routesOf(host, table.get(host) as Map<PathCell, ByMethod>)),
  };
}

function planOf(decision: Decision, describe: Describe): RoutePlan | undefined {
  if (decision.kind === 'https' || decision.kind === 'unserved') return undefined;
  return { decision, key: describe(decision) };
}

/** Denies what HAProxy serves nowhere, where a less specific route would take it. */
function closeHoles(
  table: ReadonlyMap<HostCell, Map<PathCell, ByMethod>>,
  hosts: readonly HostCell[],
  paths: readonly PathCell[],
  frontend: Place,
): void {
  const decision = { kind: 'deny', backend: frontend, rules: [], lost: [] } as const;
  const closed: RoutePlan = { decision, key: 'deny' };
  for (const host of hosts) {
    const rows = table.get(host) as Map<PathCell, ByMethod>;
    const next = nextHost(host, hosts);
    for (const path of paths) {
      const row = rows.get(path) as ByMethod;
      const parent = parentOf(path, paths);
      for (const [method, plan] of row) {
        if (plan !== undefined) continue;
        const above = parent && rows.get(parent)?.get(method);
        const beyond = next && table.get(next)?.get(path)?.get(method);
        const byGet = method === 'HEAD' ? row.get('GET') : undefined;
        if (above !== undefined || beyond !== undefined || byGet !== undefined) row.set(method, closed);
      }
    }
  }
}

/** Whether a host's requests get the same from the routes of the host that comes next. */
function isAsNext(
  host: HostCell,
  hosts: readonly HostCell[],
  table: ReadonlyMap<HostCell, ReadonlyMap<PathCell, ByMethod>>,
): boolean {
  const next = nextHost(host, hosts);
  if (next === undefined) return false;
  const [own, others] = [table.get(host), table.get(next)];
  return [...(own ?? [])].every(([path, row]) => isEqual(row, others?.get(path)));
}

function isEqual(a: ByMethod, b: ByMethod | undefined): boolean {
  return [...a].every(([method, plan]) => plan?.key === b?.get(method)?.key);
}

function routesOf(host: HostCell, rows: ReadonlyMap<PathCell, ByMethod>): readonly PlannedRoute[] {
  const all = [...rows.keys()];
  const needed = all.filter((path) => {
    const parent = parentOf(path, all);
    return parent === undefined || !isEqual(rows.get(path) as ByMethod, rows.get(parent));
  });
  const trees = new Map<PathCell, PathCell>();
  for (const path of needed) {
    const below = needed.find(({ kind, text }) => kind === 'prefix' && text === `${path.text}/`);
    const isTree =
      path.kind === 'exact' && below !== undefined && isEqual(rows.get(path) as ByMethod, rows.get(below));
    const rival = needed.some(({ kind, text }) => kind === 'prefix' && text === path.text);
    if (isTree && !rival) trees.set(path, below as PathCell);
  }
  const merged = new Set(trees.values());
  return needed.flatMap((path) => {
    if (merged.has(path)) return [];
    const isAll = path.kind === 'prefix' && path.text === '/';
    const written = { kind: trees.has(path) || isAll ? ('tree' as const) : path.kind, text: path.text };
    return byMethods(rows.get(path) as ByMethod).map(({ methods, plan }) => ({
      host,
      path: written,
      methods,
      plan,
    }));
  });
}

/** One route for each group of methods that get the same, and one for all others. */
function byMethods(row: ByMethod): readonly { methods: readonly string[] | undefined; plan: RoutePlan }[] {
  const usual = row.get('');
  const groups = new Map<string, { methods: string[]; plan: RoutePlan }>();
  for (const [method, plan] of row) {
    if (method === '' || plan === undefined) continue;
    const followsGet = method === 'HEAD' && row.get('GET')?.key !== usual?.key;
    if (plan.key === usual?.key && !followsGet) continue;
    const group = groups.get(plan.key) ?? { methods: [], plan };
    group.methods.push(method);
    groups.set(plan.key, group);
  }
  const routes: { methods: readonly string[] | undefined; plan: RoutePlan }[] = [...groups.values()];
  return usual === undefined ? routes : [...routes, { methods: undefined, plan: usual }];
}
