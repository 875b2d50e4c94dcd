// Runs first in each process of a gateway under soak, by NODE_OPTIONS. The process then has a socket in the soak's folder
// at which the soak reads its memory, and one at which it asks for a heap snapshot; no other gateway has them.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { probeName, snapshotName } from './memory-reading.ts';

const folder = new URL(import.meta.url).searchParams.get('folder');
if (isMainThread && folder !== null) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const server = createServer((socket) => {
    socket.on('error', () => {}); // The soak has ended.
    collect();
    collect(); // The first one leaves array buffers to be freed beside the program; the second one waits for that.
    socket.end(JSON.stringify(process.memoryUsage()));
  });
  server.listen(join(folder, probeName(process.pid))).unref();
  const snapshots = createServer((socket) => {
    socket.on('error', () => {}); // The soak has ended.
    socket.end(writeHeapSnapshot(join(folder, `${process.pid}.heapsnapshot`)));
  });
  snapshots.listen(join(folder, snapshotName(process.pid))).unref();
}
