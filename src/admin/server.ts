import { BearerGuard } from '../lib/bearer-guard.ts';
import { type HttpServer, json, type Page, startHttpServer } from './http-server.ts';
import { MetricsRegistry } from './metrics.ts';
import type { PostHandler } from './post-handler.ts';
import { statusOf } from './status.ts';
import type { AdminView } from './view.ts';

/** Pages for load balancers and service managers, which have no secret. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

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
}

export type Admin = HttpServer;

/**
 * Serves `/healthz`, `/readyz`, `/metrics`, `/status` and `posts`. Rejects with the system's listen error
 * (`EADDRINUSE`, `EACCES`).
 */
export function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, view, secret, hosts = [], posts = new Map() } = options;
  const guard = secret === undefined ? undefined : new BearerGuard(secret, 'portcullis admin');
  return startHttpServer({
    host,
    port,
    hosts: new Set([host, ...hosts]),
    pages: adminPages(view),
    posts,
    refuse:
      guard && ((path, headers) => (OPEN.has(path) ? undefined : guard.refusal(headers['authorization']))),
    fault: (error) => view.fault(error),
  });
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
