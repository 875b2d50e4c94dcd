import { Document, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { RouteBody } from './body.ts';
import { writeDuration } from './duration.ts';
import type { Bind } from './listen.ts';
import { type Place, setting } from './proxy.ts';
import type { Report } from './report.ts';
import type { Entry } from './sections.ts';
import type { PlannedRoute, RoutePlan } from './table.ts';
import { durationOf, type UpstreamPlan } from './upstream.ts';

/** Where editors find the schema, once `portcullis schema` has written it beside the file. */
const EDITOR_LINE = ' yaml-language-server: $schema=./portcullis.schema.json';

/** What the written file consists of. */
export interface FilePlan {
  readonly file: string;
  readonly preface: readonly string[];
  readonly frontend: Place;
  readonly listens: readonly { readonly bind: Bind; readonly redirects: boolean }[];
  readonly issuers: Readonly<Record<string, Record<string, unknown>>>;
  readonly upstreams: ReadonlyMap<Place, UpstreamPlan>;
  readonly routes: readonly PlannedRoute[];
  readonly bodies: ReadonlyMap<RoutePlan, RouteBody | undefined>;
  readonly report: Report;
}

/** Networks in which balancers usually are. */
const PRIVATE = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1', 'fc00::/7'];

/** Writes the configuration as a person would, with the comments of the file that it comes from. */
export function writeFile(plan: FilePlan): string {
  const { frontend, routes, bodies } = plan;
  const placed = new Set<Entry>();
  const listen = plan.listens.map(({ bind, redirects }) => listenOf(bind, redirects));
  const used = new Set(
    [...bodies.values()].flatMap((body) => (body === undefined ? [] : [body['auth']].flat())),
  );
  const issuers = Object.fromEntries(Object.entries(plan.issuers).filter(([name]) => used.has(name)));
  const upstreams = Object.fromEntries(
    [...plan.upstreams].map(([{ name }, { servers, ...rest }]) => [
      name,
      { servers: servers.map(({ value }) => value), ...rest },
    ]),
  );
  const guarded = routes.flatMap(({ plan: { decision } }) =>
    decision.kind === 'serve' && decision.guard !== undefined ? [decision.isWalkThrough] : [],
  );
  const takesProxyHeader = plan.listens.some(({ bind }) => bind.takesProxyHeader);
  const value = {
    listen: listen.length === 1 ? listen[0] : listen,
    ...(Object.keys(issuers).length === 0 ? {} : { issuers }),
    upstreams,
    routes: routes.map((route) => routeOf(route, bodies.get(route.plan), plan)),
    ...(guarded.length > 0 && guarded.every(Boolean) ? { rejection: 'haproxy' } : {}),
    ...(takesProxyHeader ? { trustedProxies: PRIVATE } : {}),
    ...timeoutsOf(frontend, plan.report),
    ...limitsOf(frontend, plan.report),
  };
  const document = new Document(value);
  document.commentBefore = [
    EDITOR_LINE,
    ` From ${plan.file}, by portcullis import haproxy`,
    ...plan.preface.map(spaced),
  ].join('\n');
  const root = document.contents as unknown as YAMLMap;
  comment(
    root,
    'listen',
    commentsOf(
      plan.listens.map(({ bind }) => bind.entry),
      placed,
      frontend.head,
    ),
  );
  const upstreamsNode = child(root, 'upstreams');
  for (const [proxy, { servers }] of plan.upstreams) {
    if (!isMap(upstreamsNode)) continue;
    const lines = proxy.own.filter((entry) => entry.words[0] !== 'server' && !isRule(entry));
    comment(
      upstreamsNode,
      proxy.name,
      commentsOf(lines, placed, proxy.head === frontend.head ? undefined : proxy.head),
    );
    const list = child(child(upstreamsNode, proxy.name), 'servers');
    if (!isSeq(list)) continue;
    servers.forEach(({ above, behind }, at) => {
      const node = list.items[at] as Node;
      if (above.length > 0) node.commentBefore = above.map(spaced).join('\n');
      if (behind !== undefined && behind !== '') node.comment = spaced(behind);
    });
  }
  commentRoutes(child(root, 'routes'), plan, placed);
  if (takesProxyHeader) comment(root, 'trustedProxies', ['Name the balancers alone: only they may connect']);
  flow(root, 0);
  for (const key of ['issuers', 'upstreams', 'routes', 'rejection', 'timeouts']) {
    const pair = pairOf(root, key);
    if (pair !== undefined) (pair.key as Node & { spaceBefore?: boolean }).spaceBefore = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function listenOf({ address, tls, protocols, takesProxyHeader }: Bind, redirects: boolean): unknown {
  const more = {
    ...(tls === undefined ? {} : { tls }),
    ...(protocols === undefined ? {} : { protocols }),
    ...(takesProxyHeader ? { proxyProtocol: 'required' } : {}),
    ...(redirects ? { redirect: 'https' } : {}),
  };
  return Object.keys(more).length === 0 ? address : { address, ...more };
}

function routeOf(route: PlannedRoute, body: RouteBody | undefined, plan: FilePlan): Record<string, unknown> {
  const { host, path, methods } = route;
  const text = /[*(){}<>|^$[\]]|\/:|,\//.test(path.text) ? { literal: path.text } : path.text;
  const match = {
    ...(host.kind === 'any' ? {} : { host: host.kind === 'below' ? `*.${host.name}` : host.name }),
    ...(path.kind === 'tree' ? { path: text } : path.kind === 'exact' ? { exact: text } : { prefix: text }),
    ...(methods === undefined ? {} : { methods }),
  };
  if (body !== undefined) return { match, ...body };
  const backend = route.plan.decision.backend;
  const [first] = plan.upstreams.keys();
  const known = backend !== undefined && plan.upstreams.has(backend) ? backend : first;
  return { match, auth: 'deny', upstream: known?.name };
}

function timeoutsOf(frontend: Place, report: Report): { timeouts?: Record<string, string> } {
  const timeouts: Record<string, string> = {};
  for (const [key, keyword] of [
    ['requestHead', 'http-request'],
    ['keepAlive', 'http-keep-alive'],
    ['send', 'client'],
    ['tunnel', 'tunnel'],
  ] as const) {
    const milliseconds = durationOf(frontend, report, 'timeout', keyword);
    if (milliseconds === undefined) continue;
    const most = key === 'requestHead' ? 3_600_000 : 86_400_000;
    timeouts[key] = writeDuration(Math.ceil(milliseconds / 1000) * 1000, 1000, most);
  }
  return Object.keys(timeouts).length === 0 ? {} : { timeouts };
}

function limitsOf(frontend: Place, report: Report): { limits?: Record<string, number> } {
  const line = setting(frontend.lines, 'maxconn');
  report.carry(line);
  const connections = Number(line?.words[1] ?? Number.NaN);
  return Number.isInteger(connections) && connections >= 1 && connections <= 1_000_000
    ? { limits: { connections } }
    : {};
}

/** Puts comments at the routes that rules led to, and says why routes are closed. */
function commentRoutes(
  list: unknown,
  { routes, frontend, upstreams, file, report }: FilePlan,
  placed: Set<Entry>,
): void {
  if (!isSeq(list)) return;
  const rest = [frontend, ...upstreams.keys()].flatMap((proxy) => proxy.own.filter(isRule));
  routes.forEach(({ plan: { decision }, host, path }, at) => {
    const node = list.items[at];
    if (!isMap(node)) return;
    const lines: string[] = [];
    const entries = decision.rules.map(({ entry }) => entry);
    const named = [path.text, ...(host.kind === 'any' ? [] : [host.name])].filter((text) => text !== '/');
    const acls = rest.filter(({ words }) => words[0] === 'acl' && words.some((word) => named.includes(word)));
    lines.push(...commentsOf([...acls, ...entries], placed, undefined));
    if (at === routes.length - 1) lines.push(...commentsOf(rest, placed, undefined));
    if (decision.kind === 'deny' && decision.lost.length > 0) {
      for (const { entry } of decision.lost) {
        lines.push(`Closed because of ${file}:${entry.number}, which cannot be carried over: ${entry.text}`);
        report.say(
          entry,
          'cannot be carried over, so its requests are refused; see the comment at the route',
        );
      }
    }
    if (decision.kind === 'answer') {
      for (const { entry, action } of decision.rules) {
        if (action.kind === 'answer' || action.kind === 'https') {
          lines.push(`HAProxy answers these itself, ${file}:${entry.number}: ${entry.text}`);
          report.say(
            entry,
            'the gateway gives no answers of its own, so these requests are refused; let the service answer',
          );
        }
      }
    }
    if (lines.length > 0) node.commentBefore = lines.map(spaced).join('\n');
  });
}

function isRule({ words }: Entry): boolean {
  return /^(?:acl|http-request|http-response|tcp-request|use_backend|default_backend|redirect|monitor-uri)$/.test(
    words[0] ?? '',
  );
}

/** The comments at lines that have not been placed yet. */
function commentsOf(
  entries: readonly Entry[],
  placed: Set<Entry>,
  head: Entry | undefined,
): readonly string[] {
  return [...(head === undefined ? [] : [head]), ...entries].flatMap((entry) => {
    if (placed.has(entry)) return [];
    placed.add(entry);
    return [...entry.above, ...(entry.comment === undefined || entry.comment === '' ? [] : [entry.comment])];
  });
}

function spaced(text: string): string {
  return ` ${text}`;
}

function pairOf(map: unknown, key: string): Pair | undefined {
  return isMap(map) ? map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) : undefined;
}

function child(map: unknown, key: string): unknown {
  return pairOf(map, key)?.value;
}

function comment(map: YAMLMap, key: string, lines: readonly string[]): void {
  const pair = pairOf(map, key);
  if (pair !== undefined && lines.length > 0) (pair.key as Node).commentBefore = lines.map(spaced).join('\n');
}

/** Longest collection that stands in one line. */
const MAX_FLOW = 90;

/** Writes small collections in one line, as the examples have them. */
function flow(node: unknown, depth: number): void {
  if (!isMap(node) && !isSeq(node)) return;
  for (const item of node.items) flow(isMap(node) ? (item as Pair).value : item, depth + 1);
  if (depth < 2) return;
  const isPlain = !/"(?:match|auth)":/.test(JSON.stringify(node));
  if (isPlain && !hasComments(node) && JSON.stringify(node).length <= MAX_FLOW) node.flow = true;
}

function hasComments(node: unknown): boolean {
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return false;
  if (node.comment != null || node.commentBefore != null) return true;
  if (isScalar(node)) return false;
  return node.items.some((item) =>
    isMap(node) ? hasComments((item as Pair).key) || hasComments((item as Pair).value) : hasComments(item),
  );
}
