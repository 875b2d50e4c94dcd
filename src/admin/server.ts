import { BearerGuard } from '../lib/bearer-guard.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import { type HttpServer, json, startHttpServer } from './http-server.ts';
import { MetricsRegistry } from './metrics.ts';
import type { Page } from './page.ts';
import { readPageFiles, refusedPage } from './page-files.ts';
import type { PostHandler, PostHeaders, PostReply } from './post-handler.ts';
import { statusOf } from './status.ts';
import { StatusStream } from './status-stream.ts';
import type { AdminView } from './view.ts';

/** Pages for load balancers and service managers, which have no secret. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
/** The handler of the modes of servers, where there is one. */
const MODES = '/upstreams/';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly view: AdminView;
  /** Bearer secret of every page that says more than whether the gateway works; undefined: none is asked for. */
  readonly secret?: string | undefined;
  /** See `HttpServerOptions.hosts`. */
  readonly hosts?: readonly string[];
  /** See `HttpServerOptions.posts`. */
  readonly posts?: ReadonlyMap<string, PostHandler>;
  readonly timers?: Timers;
}

export type Admin = HttpServer;

/**
 * Serves the status page at `/` with `/status/stream`, `/healthz`, `/readyz`, `/metrics`, `/status` and `posts`. Rejects
 * with the system's listen error (`EADDRINUSE`, `EACCES`).
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, view, secret, hosts = [], posts = new Map(), timers = systemTimers } = options;
  const stream = new StatusStream(view, timers, posts.has(MODES));
  const server = await startHttpServer({
    host,
    port,
    hosts: new Set([host, ...hosts]),
    pages: new Map([...adminPages(view), ...(await readPageFiles())]),
    streams: new Map([['/status/stream', stream.viewers]]),
    posts,
    refuse: secret === undefined ? undefined : refuserOf(secret),
    fault: (error) => view.fault(error),
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

/** Refuses what needs the secret; a browser that asks for the page itself gets one that it can show. */
function refuserOf(secret: string): (path: string, headers: PostHeaders) => PostReply | Page | undefined {
  const guard = new BearerGuard(secret, 'portcullis admin');
  return (path, { authorization }) => {
    if (OPEN.has(path)) return undefined;
    const refusal = guard.refusal(authorization);
    if (refusal === undefined || path !== '/') return refusal;
    return {
      ...refusedPage,
      status: refusal.status,
      headers: { ...refusedPage.headers, ...refusal.headers },
    };
  };
}

function adminPages(view: AdminView): ReadonlyMap<string, () => Page | Promise<Page>> {
  // Made at the first scrape: Node's process metrics watch the event loop and the collector, which costs time.
  let registry: MetricsRegistry | undefined;
  const metrics = async (): Promise<Page> => {
    registry ??= new MetricsRegistry(view);
    return { status: 200, type: registry.contentType, body: await registry.render(await view.gather()) };
  };
  const ready = (): Page => {
    const notReady = view.notReady().map(({ what, why }) => ({ what, why }));
    return json(notReady.length === 0 ? 200 : 503, { ready: notReady.length === 0, notReady });
  };
  return new Map<string, () => Page | Promise<Page>>([
    ['/healthz', () => json(200, { status: 'ok' })],
    ['/readyz', ready],
    ['/metrics', metrics],
    ['/status', async () => json(200, statusOf(view, await view.gather()))],
  ]);
}
