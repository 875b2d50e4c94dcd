import { createRequire } from 'node:module';
import { BODY, type UpstreamMessage } from './upstream.ts';

// A process of its own: the server behind every gateway. It answers each request with the same 26 bytes and
// counts, which is what the benchmark compares the load generator's figures with.

interface Response {
  end(body: string): void;
}
interface App {
  any(pattern: string, handler: (response: Response) => void): App;
  listen(host: string, port: number, done: (socket: unknown) => void): App;
}
interface Engine {
  App(): App;
  us_socket_local_port(socket: unknown): number;
}

const [major] = process.versions.node.split('.');
const engine = createRequire(import.meta.url)(`@uwsjs/linux-x64-${major}`) as Engine;

let served = 0;
const send = (message: UpstreamMessage): void => {
  process.send?.(message);
};

engine
  .App()
  .any('/*', (response) => {
    served += 1;
    response.end(BODY);
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('the upstream cannot listen');
    send({ port: engine.us_socket_local_port(socket), served });
    process.on('message', () => send({ port: 0, served }));
  });
// Without the benchmark there is no reason to go on.
process.on('disconnect', () => process.exit(0));
