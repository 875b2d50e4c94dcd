import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { SharedRead } from '../../../src/front/node/shared-read.ts';
import { Authority } from '../../support/authority.ts';

const MIB = 1024 * 1024;
const BODY = 8 * MIB;
/** Bytes of a full read. */
const READ = 64 * 1024;
/** Bytes that one socket may bring in a turn of the loop, if it is alone. */
const SHARE = 2 * READ;
/** Turns in which a socket that reads would have brought something. */
const TURNS = 100;

let server: Server;
let accepted: Socket;
let client: Socket;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection') as Promise<[Socket]>;
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  [accepted] = await connection;
});

afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The most bytes that one turn brings. Resolves when all of a body have come. */
async function mostInATurn(read: SharedRead, socket: Socket): Promise<number> {
  let all = 0;
  let inTurn = 0;
  let most = 0;
  await new Promise<void>((resolve) => {
    read.attach(socket, (bytes) => {
      if (inTurn === 0) {
        setImmediate(() => {
          most = Math.max(most, inTurn);
          inTurn = 0;
        });
      }
      inTurn += bytes.length;
      all += bytes.length;
      if (all === BODY) resolve();
    });
  });
  await turn();
  return most;
}

describe('a client that sends as fast as it can', () => {
  test('brings two full reads in a turn, and all of its bytes in the end', async () => {
    const read = new SharedRead();
    assert.ok(read.isShared);
    const most = mostInATurn(read, accepted);
    accepted.resume();
    client.write(Buffer.alloc(BODY));
    assert.equal(await most, SHARE);
  });

  test('brings one full read in a turn beside others, so that each of them is read', async () => {
    const read = new SharedRead();
    const clients = [client];
    const sockets = [accepted];
    while (sockets.length < 4) {
      const connection = once(server, 'connection') as Promise<[Socket]>;
      clients.push(connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }));
      sockets.push((await connection)[0]);
    }
    const brought = sockets.map(() => 0);
    let inTurn = 0;
    let most = 0;
    const whole = new Promise<void>((resolve) => {
      for (const [at, socket] of sockets.entries()) {
        read.attach(socket, (bytes) => {
          if (inTurn === 0) {
            setImmediate(() => {
              most = Math.max(most, inTurn);
              inTurn = 0;
            });
          }
          inTurn += bytes.length;
          brought[at] = (brought[at] as number) + bytes.length;
          if (brought.every((count) => count === BODY)) resolve();
        });
      }
    });
    for (const one of clients) one.write(Buffer.alloc(BODY));
    for (const one of sockets) one.resume();
    await whole;
    await turn();
    assert.ok(most <= SHARE + (sockets.length - 1) * READ, `${most} bytes came in a turn`);
    for (const one of [...clients, ...sockets]) one.destroy();
  });

  test('brings no more over TLS than what the system had read when its share was full', async (t) => {
    const { cert, key } = new Authority('root').issue({ cn: 'a', names: ['a.example'] });
    const secure = createTlsServer({ cert, key }).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const connection = once(secure, 'secureConnection') as Promise<[TLSSocket]>;
    const { port } = secure.address() as AddressInfo;
    const sender = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const [socket] = await connection;
    t.after(() => {
      sender.destroy();
      socket.destroy();
      secure.close();
    });
    const read = new SharedRead();
    const most = mostInATurn(read, socket);
    socket.resume();
    sender.write(Buffer.alloc(BODY));
    const bytes = await most;
    assert.ok(bytes <= SHARE + READ, `${bytes} bytes came in a turn`);
  });

  test('and that is paused meanwhile, stays so until it is resumed', async () => {
    const read = new SharedRead();
    let all = 0;
    let seen = (): void => {};
    const share = new Promise<void>((resolve) => {
      read.attach(accepted, (bytes) => {
        const before = all;
        all += bytes.length;
        if (before < SHARE && all >= SHARE) {
          accepted.pause();
          resolve();
        }
        if (all === BODY) seen();
      });
    });
    accepted.resume();
    client.write(Buffer.alloc(BODY));
    await share;
    const then = all;
    for (let n = 0; n < TURNS; n += 1) await turn();
    assert.equal(all, then);
    const whole = new Promise<void>((resolve) => {
      seen = resolve;
    });
    accepted.resume();
    await whole;
  });

  test('and leaves, is not read again', async () => {
    const read = new SharedRead();
    const gone = once(accepted, 'close');
    read.attach(accepted, () => accepted.destroy());
    accepted.resume();
    client.write(Buffer.alloc(BODY));
    client.on('error', () => {});
    await gone;
    for (let n = 0; n < TURNS; n += 1) await turn();
  });
});
