import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';
import { paths, response } from './pipelined-texts.ts';

// Requests that wait for an upstream connection, or are retried, while requests share connections.

let origin: Origin;
let gateway: TestGateway;
let wires: Wire[];

beforeEach(async () => {
  wires = [];
  origin = await Origin.start();
});

afterEach(async () => {
  for (const wire of wires) wire.reset();
  await gateway.close();
  await origin.close();
});

async function start(connections: number, timeouts: TestOptions['timeouts'] = {}): Promise<void> {
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    limits: { connections, waiting: 20 },
    timeouts,
    pipelining: 4,
  });
}

async function send(method: string, path: string, rest = '\r\n'): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  wires.push(wire);
  wire.send(`${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${rest}`);
  return wire;
}

const waiting = (count: number) =>
  eventually(
    () => gateway.connections(),
    (seen) => seen['waiting'] === count,
  );

/** Connections that have each carried one exchange at the same time. */
async function warm(count: number): Promise<OriginConnection[]> {
  const clients: Wire[] = [];
  const connections: OriginConnection[] = [];
  for (let at = 0; at < count; at += 1) {
    clients.push(await send('GET', '/warm'));
    const connection = await origin.connection();
    await connection.head();
    connections.push(connection);
  }
  for (const connection of connections) connection.write(response('warm'));
  for (const client of clients) assert.equal((await client.response()).body, 'warm');
  return connections;
}

/** Sends that many requests, each after upstream has received the one before; their clients by path. */
async function spread(count: number, connections: readonly OriginConnection[]): Promise<Map<string, Wire>> {
  const clients = new Map<string, Wire>();
  for (let at = 1; at <= count; at += 1) {
    clients.set(`/${at}`, await send('GET', `/${at}`));
    await eventually(
      () => connections.reduce((sum, { received }) => sum + paths(received).length, 0),
      (seen) => seen === at,
    );
  }
  return clients;
}

test('waiting requests share a connection like new ones', async () => {
  await start(1);
  const [upstream] = (await warm(1)) as [OriginConnection];
  const first = await send('GET', '/first');
  await upstream.head();
  const post = await send('POST', '/post', 'Content-Length: 2\r\n\r\nhi');
  await waiting(1);
  const all: Wire[] = [];
  for (let at = 1; at <= 6; at += 1) {
    all.push(await send('GET', `/${at}`));
    await waiting(1 + at);
  }
  upstream.write(response('first'));
  await upstream.take((text) => text.endsWith('hi'));
  upstream.write(response('posted'));
  assert.deepEqual(paths(await upstream.take((text) => paths(text).length === 4)), ['/1', '/2', '/3', '/4']);
  upstream.write(['1', '2', '3', '4'].map((body) => response(body)).join(''));
  assert.deepEqual(paths(await upstream.take((text) => paths(text).length === 2)), ['/5', '/6']);
  upstream.write(response('5') + response('6'));
  const bodies = await Promise.all([first, post, ...all].map(async (wire) => (await wire.response()).body));
  assert.deepEqual(bodies, ['first', 'posted', '1', '2', '3', '4', '5', '6']);
});

test('a retried request is never put behind others', async () => {
  await start(2);
  const both = (await warm(2)) as [OriginConnection, OriginConnection];
  const clients = await spread(8, both);
  const [a, b] = both;
  const [ofA, ofB] = [paths(await a.head()), paths(await b.head())] as [string[], string[]];
  assert.deepEqual([ofA.length, ofB.length], [4, 4]);
  a.write(response('a'));
  a.socket.end();
  // One gets the place of the connection that ended, two wait.
  const c = await origin.connection();
  const [again] = paths(await c.head());
  await waiting(2);
  b.write(response('b'));
  assert.equal((await (clients.get(ofB[0] as string) as Wire).response()).body, 'b');
  assert.equal(b.received, '');
  await waiting(2);
  b.write([1, 2, 3].map(() => response('b')).join(''));
  assert.ok(ofA.includes(paths(await b.head())[0] as string));
  b.write(response('again'));
  assert.ok(ofA.includes(paths(await b.head())[0] as string));
  b.write(response('again'));
  c.write(response('again'));
  for (const path of ofA.slice(1)) {
    assert.equal((await (clients.get(path) as Wire).response()).body, 'again');
  }
  assert.ok(ofA.includes(again as string));
});

test('a retried request takes the place of an idle connection', async () => {
  await start(2);
  const both = (await warm(2)) as [OriginConnection, OriginConnection];
  const clients = await spread(7, both);
  const [x, y] = paths(both[0].received).length === 4 ? both : [both[1], both[0]];
  const [ofX, ofY] = [paths(await x.head()), paths(await y.head())];
  x.write(ofX.map(() => response('x')).join(''));
  await eventually(
    () => gateway.connections(),
    ({ idle }) => idle === 1,
  );
  y.write(response('y', 'Connection: close\r\n'));
  y.socket.end();
  for (const _ of ofY.slice(1)) {
    const connection = await origin.connection();
    await connection.head();
    connection.write(response('again'));
  }
  for (const path of ofY.slice(1)) {
    assert.equal((await (clients.get(path) as Wire).response()).body, 'again');
  }
  await x.closed();
});

test('when a request that needs its own connection leaves the queue, the next ones take the room there is', async () => {
  await start(1);
  const [upstream] = (await warm(1)) as [OriginConnection];
  await send('GET', '/slow');
  await upstream.head();
  const post = await send('POST', '/post', 'Content-Length: 2\r\n\r\nhi');
  await waiting(1);
  await send('GET', '/late');
  await waiting(2);
  post.reset();
  assert.deepEqual(paths(await upstream.head()), ['/late']);
});

for (const [how, head, last] of [
  ['on a connection that ends with it', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', 'x'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
] as const) {
  for (const stays of [true, false]) {
    test(`an endless response ${how}, whose client ${stays ? 'stays' : 'has left'}, keeps no request behind it`, async () => {
      await start(4, { responseMs: 300 });
      const [upstream] = (await warm(1)) as [OriginConnection];
      const clients = await spread(2, [upstream]);
      const [first, second] = [clients.get('/1') as Wire, clients.get('/2') as Wire];
      if (!stays) {
        first.reset();
        await eventually(
          () => gateway.outcomes(),
          ({ client_aborted }) => client_aborted === 1,
        );
      }
      upstream.write(head + last);
      const trickle = setInterval(() => upstream.write(last), 50);
      try {
        const connection = await origin.connection();
        assert.deepEqual(paths(await connection.head()), ['/2']);
        connection.write(response('again'));
        assert.equal((await second.response()).body, 'again');
        if (stays) assert.match(first.pending, /x/);
        else await upstream.closed();
      } finally {
        clearInterval(trickle);
      }
    });
  }
}

test('HEAD goes alone: bytes that a faulty server sends as its body answer no request', async () => {
  await start(1);
  const [upstream] = (await warm(1)) as [OriginConnection];
  const head = await send('HEAD', '/head');
  await upstream.head();
  await send('GET', '/next');
  await waiting(1);
  upstream.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${response('evil')}`);
  assert.equal((await head.response({ toHead: true })).status, 200);
  await upstream.closed();
  assert.deepEqual(paths(await (await origin.connection()).head()), ['/next']);
});
