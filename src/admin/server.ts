import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { buildRegistry } from './metrics.ts';
import { statusOf } from './status.ts';
import type { AdminView } from './view.ts';

/** Bytes of a request head: a probe or a scraper sends a few hundred. */
const maxHeadBytes = 8 * 1024;
/** Connections: probes and a handful of scrapers; more is a mistake that must not eat descriptors. */
const maxConnections = 64;
/** Milliseconds a client may take for its request head, so that a dribbled one holds no slot. */
const headTimeoutMs = 5_000;
/** Milliseconds for a whole request; bodies are read and thrown away. */
const requestTimeoutMs = 10_000;
/** Milliseconds without a byte in either direction, so that a client that does not read its answer is dropped. */
const idleTimeoutMs = 15_000;
/** Milliseconds between two looks at the time-outs above; Node's 30 seconds would make them meaningless. */
const timeoutCheckMs = 1_000;

const jsonType = 'application/json; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Admin {
  /** `host:port`, with the port the system chose where 0 was asked for. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and `/status`. It runs on node:http because health checks of the
 * HTTP/1.0 kind must get their answer. Rejects with the listen error as it came (`EADDRINUSE`, `EACCES`).
 */
export async function startAdmin(options: { host: string; port: number; view: AdminView }): Promise<Admin> {
  const { host, port, view } = options;
  const pages = adminPages(view);
  const server = createServer(
    {
      maxHeaderSize: maxHeadBytes,
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
    },
    (request, response) => {
      answer(request, response, pages, view).catch((error: unknown) => {
        view.fault(error);
        response.destroy();
      });
    },
  );
  server.maxConnections = maxConnections;
  server.setTimeout(idleTimeoutMs);
  const bound = await listen(server, host, port);
  server.on('error', (error) => view.fault(error));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      // Nothing here is worth waiting for: a scrape is repeated, and a held connection must not hold the exit.
      server.closeAllConnections();
    });
    return closing;
  };
  return { address: bound, close };
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      const { address, family, port: boundPort } = server.address() as AddressInfo;
      resolve(family === 'IPv6' ? `[${address}]:${boundPort}` : `${address}:${boundPort}`);
    });
  });
}

function adminPages(view: AdminView): ReadonlyMap<string, () => Answer | Promise<Answer>> {
  // Node's process metrics watch the event loop and the collector; a gateway that nobody scrapes is spared that.
  let registry: Registry | undefined;
  const metrics = async (): Promise<Answer> => {
    registry ??= buildRegistry(view);
    return { status: 200, type: registry.contentType, body: await registry.metrics() };
  };
  const ready = (): Answer => {
    const notReady = view.notReady().map(({ what, why }) => ({ what, why }));
    return json(notReady.length === 0 ? 200 : 503, { ready: notReady.length === 0, notReady });
  };
  return new Map<string, () => Answer | Promise<Answer>>([
    ['/healthz', () => json(200, { status: 'ok' })],
    ['/readyz', ready],
    ['/metrics', metrics],
    ['/status', () => json(200, statusOf(view))],
  ]);
}

function json(status: number, value: unknown): Answer {
  return { status, type: jsonType, body: `${JSON.stringify(value)}\n` };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: ReadonlyMap<string, () => Answer | Promise<Answer>>,
  view: AdminView,
): Promise<void> {
  const page = pages.get((request.url ?? '').split('?', 1)[0] ?? '');
  if (page === undefined) {
    send(response, json(404, { error: 'not found', paths: [...pages.keys()] }));
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(response, json(405, { error: 'method not allowed' }));
    return;
  }
  let made: Answer;
  try {
    made = await page();
  } catch (error) {
    view.fault(error);
    made = json(500, { error: 'the page could not be made' });
  }
  send(response, made);
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
