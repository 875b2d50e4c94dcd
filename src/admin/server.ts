import { type Clock, systemClock } from '../lib/clock.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import { AdminGuard } from './guard.ts';
import {
  type HttpServer,
  type HttpServerOptions,
  type PageMaker,
  type Place,
  startHttpServer,
} from './http-server.ts';
import { Login, Logout } from './login.ts';
import { loginPage } from './login-page.ts';
import { MetricsRegistry } from './metrics.ts';
import { json, type Page, seeOther } from './page.ts';
import { readPageFiles } from './page-files.ts';
import type { PostHandler, PostHeaders, PostReply } from './post-handler.ts';
import { Sessions } from './sessions.ts';
import { statusOf } from './status.ts';
import { StatusStream } from './status-stream.ts';
import type { AdminView } from './view.ts';

/** Pages for load balancers and service managers, which have no secret, and the page that asks for it. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/login']);
/** A scraper takes the format, unless its weight is zero (RFC 9110 §12.5.1). */
const OPEN_METRICS = /application\/openmetrics-text(?![^,]*;\s*q=0(?:\.0*)?\s*(?:[,;]|$))/;
/** The handler of the modes of servers, where there is one. */
const MODES = '/upstreams/';

/** A handler without a demand of its own. */
export type GuardedHandler = Pick<PostHandler, 'maxBytes' | 'answer'>;

interface Terms {
  readonly view: AdminView;
  /** Secret of every page that says more than whether the gateway works; undefined: none is asked for. */
  readonly secret?: string | undefined;
  /** See `HttpServerOptions.hosts`. */
  readonly hosts?: readonly string[];
  /** See `HttpServerOptions.posts`. */
  readonly posts?: ReadonlyMap<string, PostHandler>;
  /** The same for bearers of the secret and browsers that have logged in; without a secret there are none of them. */
  readonly guarded?: ReadonlyMap<string, GuardedHandler>;
  /** Metrics have exemplars, for scrapers that accept OpenMetrics. */
  readonly exemplars?: boolean;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

export type AdminOptions = Place & Terms;

export type Admin = HttpServer;

/**
 * Serves the status page at `/` with `/status/stream`, `/healthz`, `/readyz`, `/metrics`, `/status`, `posts`, and with a
 * secret `/login`, `/logout` and `guarded`. Rejects with the system's listen error (`EADDRINUSE`, `EACCES`).
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { view, secret, guarded = new Map(), timers = systemTimers, clock = systemClock } = options;
  const sessions = new Sessions(clock);
  const guard = secret === undefined ? undefined : new AdminGuard(secret, sessions);
  const canSetModes = guard !== undefined && guarded.has(MODES);
  const stream = new StatusStream(
    view,
    timers,
    canSetModes,
    (headers) => guard?.hasSession(headers) === true,
  );
  const server = await startHttpServer({
    ...(await served(options, guard, sessions)),
    streams: new Map([['/status/stream', stream.viewers]]),
  });
  stream.start();
  return {
    address: server.address,
    close: () => {
      stream.close();
      return server.close();
    },
  };
}

/** What the address serves, but for its streams. */
async function served(
  options: AdminOptions,
  guard: AdminGuard | undefined,
  sessions: Sessions,
): Promise<HttpServerOptions> {
  const { view, hosts = [], posts = new Map(), guarded = new Map(), clock = systemClock } = options;
  const place = 'path' in options ? { path: options.path } : { host: options.host, port: options.port };
  const pages = new Map([...adminPages(view, options.exemplars === true), ...(await readPageFiles())]);
  const common = {
    place,
    hosts: new Set('path' in place ? hosts : [place.host, ...hosts]),
    fault: (error: unknown) => view.fault(error),
  };
  if (guard === undefined) return { ...common, pages, posts };
  return {
    ...common,
    pages: new Map([...pages, ['/login', () => loginPage(200)]]),
    posts: new Map<string, PostHandler>([
      ...posts,
      ['/login', new Login(guard, sessions, clock, '/')],
      ['/logout', new Logout(sessions)],
      ...Array.from(guarded, ([path, handler]) => [path, withGuard(handler, guard)] as const),
    ]),
    refuse: (path, headers) => (OPEN.has(path) ? undefined : refusalOf(guard, headers)),
  };
}

/** A browser that shows a page to its user is sent to the form, and any other client gets its refusal. */
function refusalOf(guard: AdminGuard, headers: PostHeaders): PostReply | Page | undefined {
  const refusal = guard.refusal(headers, false);
  const { authorization, accept } = headers;
  const asksForPage = authorization === undefined && /\btext\/html\b/.test(String(accept));
  return refusal !== undefined && asksForPage ? seeOther('/login') : refusal;
}

function withGuard(handler: GuardedHandler, guard: AdminGuard): PostHandler {
  return {
    maxBytes: handler.maxBytes,
    refuse: (headers) => guard.refusal(headers, true),
    answer: (headers, body, below, peer) => handler.answer(headers, body, below, peer),
  };
}

function adminPages(view: AdminView, exemplars: boolean): ReadonlyMap<string, PageMaker> {
  // Made at the first scrape: Node's process metrics watch the event loop and the collector, which costs time.
  const registries = new Map<boolean, MetricsRegistry>();
  const metrics = async ({ accept }: PostHeaders): Promise<Page> => {
    const openMetrics = exemplars && OPEN_METRICS.test(String(accept));
    const registry = registries.get(openMetrics) ?? new MetricsRegistry(view, openMetrics);
    registries.set(openMetrics, registry);
    return { status: 200, type: registry.contentType, body: await registry.render(await view.gather()) };
  };
  const ready = (): Page => {
    const notReady = view.notReady().map(({ what, why }) => ({ what, why }));
    return json(notReady.length === 0 ? 200 : 503, { ready: notReady.length === 0, notReady });
  };
  return new Map<string, PageMaker>([
    ['/healthz', () => json(200, { status: 'ok' })],
    ['/readyz', ready],
    ['/metrics', metrics],
    ['/status', async () => json(200, statusOf(view, await view.gather()))],
  ]);
}
