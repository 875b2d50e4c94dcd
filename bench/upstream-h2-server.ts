import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { BODY, type UpstreamMessage } from './upstream.ts';

// The server behind the gateways that speak HTTP/2 with it, in its own process. It responds to each request with the
// same 26 bytes, and counts, as the other one does.

let served = 0;
const send = (message: UpstreamMessage): void => {
  process.send?.(message);
};

const head = { ':status': 200, 'content-length': BODY.length };
const server = createServer();
server.on('stream', (stream) => {
  served += 1;
  stream.respond(head);
  stream.end(BODY);
});
server.listen(0, '127.0.0.1', () => {
  send({ port: (server.address() as AddressInfo).port, served });
  process.on('message', () => send({ port: 0, served }));
});
// Without the benchmark there is no reason to go on.
process.on('disconnect', () => process.exit(0));
