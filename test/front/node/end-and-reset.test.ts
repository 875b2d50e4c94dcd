import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { SharedRead } from '../../../src/front/node/shared-read.ts';
import { NodeSocket, type SocketOwner } from '../../../src/front/node/socket.ts';
import { WriteCopies } from '../../../src/front/node/write-copies.ts';
import { findHandleWrites } from '../../../src/front/node/write-requests.ts';

test('a connection that is cut in the turn in which our side ends does not stay open', async () => {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect({ port: (listener.address() as AddressInfo).port, allowHalfOpen: true });
  client.on('error', () => {});
  const [raw] = (await once(listener, 'connection')) as [Socket];
  const closed = new Promise<void>((resolve) => {
    const owner: SocketOwner = {
      sendMs: 1_000,
      copies: new WriteCopies(),
      handleWrites: findHandleWrites(),
      onClosed: () => resolve(),
      onFault: (error) => assert.fail(error as Error),
    };
    const none = (): void => {};
    const socket = new NodeSocket(raw, 'http', owner);
    const protocol = {
      onBytes: none,
      onDrained: none,
      onEnd: none,
      onClosed: none,
      review: none,
      drain: none,
    };
    socket.start(protocol, new SharedRead());
    socket.endWriting();
    socket.destroy();
  });
  await closed;
  client.destroy();
  listener.close();
});
