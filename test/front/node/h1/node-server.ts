import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';

/** One request as Node's own server, and with it llhttp, read it. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Names and values in turns, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly rawTrailers: readonly string[];
  readonly complete: boolean;
}

export interface Seen {
  readonly requests: readonly SeenRequest[];
  readonly refused: boolean;
}

/** Bytes of a head: far above what tests send. */
const MAX_HEAD = 128 * 1024;

/** Plays these bytes to a server as those of one client, who then ends the connection; no network takes part. */
export function playToNode(bytes: Uint8Array): Promise<Seen> {
  return new Promise((resolve) => {
    const requests: SeenRequest[] = [];
    let refused = false;
    const client = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      const body: Buffer[] = [];
      request.on('data', (chunk: Buffer) => body.push(chunk));
      request.on('end', () => response.end());
      // A client that leaves in mid-body is told by `complete`.
      request.on('error', () => response.destroy());
      request.on('close', () =>
        requests.push({
          method: request.method ?? '',
          target: request.url ?? '',
          version: request.httpVersion,
          rawHeaders: request.rawHeaders,
          body: Buffer.concat(body).toString('latin1'),
          rawTrailers: request.rawTrailers,
          complete: request.complete,
        }),
      );
    };
    const server = createServer({ maxHeaderSize: MAX_HEAD, requireHostHeader: false });
    server.maxHeadersCount = 0;
    server.on('request', serve).on('checkContinue', serve).on('checkExpectation', serve);
    server.on('clientError', (_error, socket) => {
      refused = true;
      socket.destroy();
    });
    client.on('close', () => {
      // The timer of a server that never listened would last.
      server.close();
      setImmediate(() => resolve({ requests, refused }));
    });
    server.emit('connection', client);
    client.push(bytes);
    client.push(null);
  });
}
