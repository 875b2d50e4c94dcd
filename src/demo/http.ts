import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Bytes of a request head that the demo's servers accept: more than the gateway forwards. */
const maxHeadBytes = 64 * 1024;
/** Milliseconds for a request head and for a whole request. The clients are a person and one gateway. */
const headTimeoutMs = 10_000;
const requestTimeoutMs = 60_000;
/** Connections: those of the gateway's pool and a few by hand. */
const maxConnections = 1_024;

/** A server of the demo on loopback. */
export interface DemoServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a plain HTTP server on 127.0.0.1; rejects with the listen error. */
export function serve(port: number, listener: RequestListener): Promise<DemoServer> {
  const server = createServer(
    { maxHeaderSize: maxHeadBytes, headersTimeout: headTimeoutMs, requestTimeout: requestTimeoutMs },
    listener,
  );
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => {
      server.removeListener('error', reject);
      resolve({ port: (server.address() as AddressInfo).port, close: () => closed(server) });
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** Sends a response without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store' });
  response.end();
}

/** Reads the whole body; undefined when it is longer than `maxBytes`. Rejects when the client leaves. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // The end of the loop must not cut the connection: the refusal still has to be sent over it.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
