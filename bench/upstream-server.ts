import { createRequire } from 'node:module';
import { BODY, responseBytes, type UpstreamMessage } from './upstream.ts';

// The server behind every gateway, in its own process. It responds to each request with the same 26 bytes, or as many
// as the path names, and counts; the benchmark compares its count with the load generator's. A request with a body
// counts when all of it has arrived. With a file of a certificate and its key as its argument it speaks TLS.

interface Response {
  end(body: string | Uint8Array): void;
  onData(take: (chunk: ArrayBuffer, last: boolean) => void): void;
  onAborted(aborted: () => void): void;
}
interface Request {
  getUrl(): string;
  getHeader(name: string): string;
}
interface App {
  any(pattern: string, handler: (response: Response, request: Request) => void): App;
  listen(host: string, port: number, done: (socket: unknown) => void): App;
}
interface Engine {
  App(): App;
  SSLApp(options: { readonly cert_file_name: string; readonly key_file_name: string }): App;
  us_socket_local_port(socket: unknown): number;
}

const [major] = process.versions.node.split('.');
const engine = createRequire(import.meta.url)(`@uwsjs/linux-x64-${major}`) as Engine;

let served = 0;
const send = (message: UpstreamMessage): void => {
  process.send?.(message);
};

/** Responses by path, made once. */
const bodies = new Map<string, string | Uint8Array>();
function bodyOf(path: string): string | Uint8Array {
  let body = bodies.get(path);
  if (body === undefined) {
    const bytes = responseBytes(path);
    body = bytes === undefined ? BODY : new Uint8Array(bytes).fill(BODY.charCodeAt(0));
    bodies.set(path, body);
  }
  return body;
}

const [pem] = process.argv.slice(2);
const app = pem === undefined ? engine.App() : engine.SSLApp({ cert_file_name: pem, key_file_name: pem });

app
  .any('/*', (response, request) => {
    const expected = Number(request.getHeader('content-length'));
    if (expected > 0) {
      let received = 0;
      response.onAborted(() => {});
      response.onData((chunk, last) => {
        received += chunk.byteLength;
        if (!last) return;
        if (received === expected) served += 1;
        response.end(BODY);
      });
      return;
    }
    served += 1;
    response.end(bodyOf(request.getUrl()));
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('the upstream cannot listen');
    send({ port: engine.us_socket_local_port(socket), served });
    process.on('message', () => send({ port: 0, served }));
  });
// Without the benchmark there is no reason to go on.
process.on('disconnect', () => process.exit(0));
