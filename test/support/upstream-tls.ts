import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { UpstreamTlsConfig } from '../../src/config/upstream-config.ts';
import type { Log } from '../../src/lib/log.ts';
import { silentLog } from './gateway.ts';

/** TLS to servers whose certificates this authority has signed. @param ca PEM. */
export function upstreamTls(ca: string, more: Partial<UpstreamTlsConfig> = {}): UpstreamTlsConfig {
  return { ca: { pem: ca }, serverName: undefined, client: undefined, verify: true, ...more };
}

/** A TLS server of a test. */
export interface TlsOrigin {
  readonly port: number;
  /** Whether each handshake so far resumed a session. */
  readonly resumed: readonly boolean[];
  /** Bytes that came through TLS. */
  readonly received: () => number;
  close(): Promise<void>;
}

/** @param carry gets each connection after its handshake. */
export async function tlsOrigin(options: TlsOptions, carry: (socket: TLSSocket) => void): Promise<TlsOrigin> {
  const open = new Set<Socket>();
  const resumed: boolean[] = [];
  let received = 0;
  const server = createServer(options, (socket) => {
    resumed.push(socket.isSessionReused());
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received += bytes.length;
    });
    carry(socket);
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    resumed,
    received: () => received,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Responds to each request without a body, and keeps the connection. */
export function answer(socket: TLSSocket, body = 'ok'): void {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      text = text.slice(end + 4);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
}

/** A log that keeps the causes of servers that went down. */
export function causeLog(): { readonly log: Log; readonly causes: unknown[] } {
  const causes: unknown[] = [];
  const warn = (fields: object, message: string): void => {
    if (message === 'an upstream server is down') causes.push((fields as { cause?: unknown }).cause);
  };
  return { log: { ...silentLog, warn }, causes };
}
