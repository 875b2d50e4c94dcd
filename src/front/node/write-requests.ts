import { Socket } from 'node:net';
import { GivenRequests } from './given-requests.ts';
import type { HandleWrites, WriteRequest } from './handle-writes.ts';
import { type ReturnedRequest, ReturnedRequests } from './returned-requests.ts';

/**
 * How this Node.js writes to a handle. Node.js documents no way to see that: a socket writes to a handle of ours, which
 * sees what comes with the bytes. `process.binding` would be another way, and is deprecated.
 * @returns undefined for a third way, where only the streams of Node.js write.
 */
export function findHandleWrites(): HandleWrites | undefined {
  let seen: unknown;
  let readsStatus = false;
  const returned = {
    oncomplete: null as WriteRequest['oncomplete'],
    get writeStatus(): ReturnedRequest['writeStatus'] {
      readsStatus = true;
      return null;
    },
  };
  const see = (request: unknown): unknown => {
    seen = request;
    return request === null ? returned : 0;
  };
  const handle = { writeLatin1String: see, close: () => {} };
  const options = { handle, manualStart: true, readable: false, writable: true };
  try {
    const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
    socket.on('error', () => {});
    socket.write('-', 'latin1');
    socket.destroy();
  } catch {
    // Another inside: the streams of Node.js write.
    return undefined;
  }
  if (seen === null) {
    return readsStatus && typeof returned.oncomplete === 'function' ? new ReturnedRequests() : undefined;
  }
  const given = seen as Partial<WriteRequest> | undefined;
  return typeof given?.oncomplete === 'function' ? GivenRequests.of(given) : undefined;
}
