import { bodyOf } from './body.ts';
import type { Arrival } from './cell.ts';
import type { Surroundings } from './condition.ts';
import { Grid } from './grid.ts';
import { Issuers } from './issuers.ts';
import { type Bind, readBinds } from './listen.ts';
import { type Place, readProxies, setting } from './proxy.ts';
import { remedyOf } from './remedies.ts';
import { type Remark, Report } from './report.ts';
import type { Rule } from './rule.ts';
import { readSections, type Sections } from './sections.ts';
import { planRoutes, type RoutePlan, type Table } from './table.ts';
import { planUpstream, usedServers } from './upstream.ts';
import type { Scene } from './walk.ts';
import { writeFile } from './write.ts';

/** Told once of rules about tokens that are not the walk-through's. */
const REFUSALS =
  'refusals have another form than in the file: 401 with a challenge by RFC 6750, or 403; see docs/errors.md';

export interface ImportOptions extends Surroundings {
  /** The text of the haproxy.cfg. */
  readonly text: string;
  /** Its name in comments. */
  readonly file: string;
  /** The frontend to take; without it the first one with TLS, else the first one. */
  readonly frontend?: string | undefined;
}

export interface Imported {
  /** The file of portcullis; undefined where there is nothing to serve. */
  readonly text: string | undefined;
  /** What is told of lines, in their order. */
  readonly remarks: readonly Remark[];
  /** Whether requests are refused that HAProxy may serve, because a rule could not be carried over. */
  readonly isClosed: boolean;
}

/** One group of addresses of a frontend, at which all requests get the same. */
interface Entrance {
  readonly frontend: Place;
  readonly arrival: Arrival;
  readonly binds: readonly Bind[];
  readonly table: Table | undefined;
}

/** Turns a haproxy.cfg into a configuration of portcullis that lets in nothing which HAProxy refuses. No text makes it fail. */
export function importHaproxy(options: ImportOptions): Imported {
  const report = new Report();
  const sections = readSections(options.text);
  for (const { line, why } of sections.stray) report.say(line, `${why}; HAProxy refuses it too`);
  for (const line of sections.directives) {
    report.say(line, 'blocks under a condition are not carried over; write the file for one case');
  }
  const proxies = readProxies(sections, options);
  const backends = new Map(
    proxies.filter(({ kind }) => kind !== 'frontend').map((proxy) => [proxy.name, proxy]),
  );
  const issuers = new Issuers();
  const notes = new Set<Rule>();
  const entrances = proxies
    .filter((proxy) => isServed(proxy, report))
    .flatMap((frontend) => enter(frontend, { backends, options, sections, report, issuers, notes }));
  const chosen = choose(entrances, options.frontend);
  if (chosen === undefined) {
    sayUncarried(sections, proxies, undefined, report);
    return { text: undefined, remarks: report.remarks, isClosed: true };
  }
  const { table, frontend } = chosen;
  const same = entrances.filter((other) => other.frontend === frontend && isSame(other.table, table));
  const redirecting = entrances.filter(
    ({ table: other, arrival }) => other?.redirects === true && other !== table && !arrival.tls,
  );
  for (const other of entrances) {
    if (same.includes(other) || redirecting.includes(other)) continue;
    const name = other.frontend.name;
    const remedy =
      other.frontend === frontend
        ? 'its requests get something else than those of the other addresses, and a gateway has one list of routes, so the address is left out; run a second gateway for it'
        : `a gateway has one list of routes, so this one is left out; --frontend ${name} writes its file for a second gateway`;
    report.say(
      other.frontend === frontend ? (other.binds[0]?.entry ?? frontend.head) : other.frontend.head,
      remedy,
    );
  }
  for (const rule of notes)
    report.say(
      rule.entry,
      'its condition is not one of host, path, method or token; requests are treated as if it were false',
    );
  for (const { plan } of table?.routes ?? []) {
    const { decision } = plan;
    if (decision.kind !== 'serve' || decision.guard === undefined || decision.isWalkThrough) continue;
    const refusal = decision.rules.find(({ action }) => action.kind === 'deny');
    if (refusal !== undefined) report.say(refusal.entry, REFUSALS);
  }
  const isClosed =
    table === undefined ||
    table.routes.some(({ plan: { decision } }) => decision.kind === 'deny' && decision.lost.length > 0);
  const used = usedBackends(table, backends).filter((backend) => usedServers(backend, new Report()) > 0);
  if (used.length === 0) {
    sayUncarried(sections, proxies, undefined, report);
    return { text: undefined, remarks: report.remarks, isClosed: true };
  }
  const plans = new Map(used.map((proxy) => [proxy, planUpstream(proxy, report)]));
  const bodies = new Map(
    (table?.routes ?? []).map(({ plan }) => [
      plan,
      plan.decision.kind === 'serve' ? bodyOf(plan.decision, frontend, issuers, report) : undefined,
    ]),
  );
  sayUncarried(sections, proxies, [frontend, ...used], report);
  const text = writeFile({
    file: options.file,
    preface: sections.preface,
    frontend,
    listens: [
      ...redirecting.flatMap(({ binds }) => binds.map((bind) => ({ bind, redirects: true }))),
      ...same.flatMap(({ binds }) => binds.map((bind) => ({ bind, redirects: false }))),
    ],
    issuers: issuers.plans,
    upstreams: plans,
    routes: table?.routes ?? [],
    bodies,
    report,
  });
  return { text, remarks: report.remarks, isClosed };
}

interface Work {
  readonly backends: ReadonlyMap<string, Place>;
  readonly options: ImportOptions;
  readonly sections: Sections;
  readonly report: Report;
  readonly issuers: Issuers;
  readonly notes: Set<Rule>;
}

/** Whether a proxy takes requests by HTTP. */
function isServed(proxy: Place, report: Report): boolean {
  if (proxy.kind === 'backend' || setting(proxy.own, 'disabled') !== undefined) return false;
  if (!proxy.isHttp) {
    report.say(proxy.head, 'only mode http is carried over; keep HAProxy for this one');
    return false;
  }
  const hasServers = proxy.lines.some(({ words }) => words[0] === 'server' || words[0] === 'server-template');
  const leads = proxy.rules.choice.length > 0 || proxy.defaultBackend !== undefined;
  const hasStats = setting(proxy.lines, 'stats') !== undefined;
  if (!hasServers && !leads && hasStats) {
    report.say(
      proxy.head,
      'the status page of the gateway is at its admin address, 127.0.0.1:9090 by default; set admin',
    );
    return false;
  }
  return true;
}

function enter(frontend: Place, work: Work): readonly Entrance[] {
  const { backends, options, sections, report, issuers, notes } = work;
  const binds = readBinds(frontend.own, options, report);
  const groups = new Map<string, Bind[]>();
  for (const bind of binds) {
    const key = JSON.stringify(bind.arrival);
    groups.set(key, [...(groups.get(key) ?? []), bind]);
  }
  const silent = new Report();
  const counts = new Map([...backends].map(([name, backend]) => [name, usedServers(backend, silent)]));
  const foreign = hasForeign(sections);
  return [...groups.values()].map((group): Entrance => {
    const { arrival } = group[0] as Bind;
    const scene: Scene = {
      frontend,
      backends,
      serversOf: (name) => counts.get(name) ?? 0,
      hasForeign: foreign,
      grid: new Grid(),
    };
    const describe = (decision: RoutePlan['decision']): string =>
      decision.kind === 'serve'
        ? JSON.stringify(bodyOf(decision, frontend, issuers, silent))
        : `deny ${decision.kind === 'deny' ? decision.lost.map(({ entry }) => entry.number).join() : ''}`;
    const table = planRoutes(scene, arrival, notes, describe);
    return { frontend, arrival, binds: group, table };
  });
}

/** Whether scripts or agents may set variables. */
function hasForeign({ sections }: Sections): boolean {
  return sections.some(({ lines }) =>
    lines.some(
      ({ words }) =>
        /^(?:lua-load.*|filter|spoe-.*)$/.test(words[0] ?? '') ||
        words.some((word) => /^(?:lua\.|send-spoe-group)/.test(word)),
    ),
  );
}

function choose(entrances: readonly Entrance[], name: string | undefined): Entrance | undefined {
  const wanted = entrances.filter(({ frontend }) => name === undefined || frontend.name === name);
  const serving = wanted.filter(
    ({ table }) => table?.redirects !== true && (table === undefined || table.routes.length > 0),
  );
  return serving.find(({ arrival }) => arrival.tls) ?? serving[0];
}

function isSame(a: Table | undefined, b: Table | undefined): boolean {
  const text = (table: Table | undefined): string =>
    JSON.stringify(table?.routes.map(({ host, path, methods, plan }) => [host, path, methods, plan.key]));
  return a === b || text(a) === text(b);
}

function usedBackends(table: Table | undefined, backends: ReadonlyMap<string, Place>): readonly Place[] {
  const used = new Set<Place>();
  for (const { plan } of table?.routes ?? []) {
    const { backend } = plan.decision;
    if (backend !== undefined && backends.get(backend.name) === backend) used.add(backend);
  }
  return [...backends.values()].filter((backend) => used.has(backend));
}

/** Tells of each line that has no counterpart. */
function sayUncarried(
  { sections }: Sections,
  proxies: readonly Place[],
  used: readonly Place[] | undefined,
  report: Report,
): void {
  for (const section of sections) {
    const proxy = proxies.find(({ head }) => head === section.head);
    const isProxy = proxy !== undefined;
    if (isProxy && !(used ?? []).includes(proxy)) {
      if (proxy.kind === 'backend' && used !== undefined)
        report.say(section.head, 'no route that is carried over leads here, so it is left out');
      continue;
    }
    for (const entry of section.lines) {
      if (report.isCarried(entry)) continue;
      const remedy = remedyOf(section.kind, entry.words);
      if (remedy !== undefined) report.say(entry, remedy);
    }
  }
}
