import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Clients in their own process that write a whole request and reset the connection at once, so that the gateway may
 * read the request before it notices the reset: `node leaving-clients.js PORT ADDRESS COUNT REQUEST`, with their source
 * address and the request as JSON. Ends when COUNT clients have left.
 */
const [port = 0, localAddress = '', count = 0] = [
  Number(process.argv[2]),
  process.argv[3],
  Number(process.argv[4]),
];
const bytes = JSON.parse(process.argv[5] ?? '""') as string;
/** Concurrent clients. */
const AT_ONCE = 25;

async function leave(): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(bytes);
  socket.resetAndDestroy();
  await closed;
}

for (let left = count; left > 0; left -= AT_ONCE) {
  await Promise.all(Array.from({ length: AT_ONCE }, leave));
}
