import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';
import { paths, response } from './pipelined-texts.ts';

const DEPTH = 4;

let origin: Origin;
let gateway: TestGateway;
let wires: Wire[];
/** The one connection to upstream, which has carried one exchange. */
let upstream: OriginConnection;

beforeEach(async () => {
  wires = [];
  origin = await Origin.start();
});

afterEach(async () => {
  for (const wire of wires) wire.reset();
  await gateway.close();
  await origin.close();
});

async function start(connections = 1, responseMs = 60_000): Promise<void> {
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    limits: { connections, waiting: 10 },
    timeouts: { responseMs },
    pipelining: DEPTH,
  });
}

const request = (method: string, path: string, rest = '\r\n'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${rest}`;
async function send(method: string, path: string, rest?: string): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  wires.push(wire);
  wire.send(request(method, path, rest));
  return wire;
}

/** Has one exchange carried, so that upstream has shown that it keeps its connection. */
async function warm(): Promise<void> {
  const wire = await send('GET', '/warm');
  upstream = await origin.connection();
  await upstream.head();
  upstream.write(response('warm'));
  assert.equal((await wire.response()).body, 'warm');
}

/** That many requests on the one connection, in the order of their paths /1, /2 …; upstream has received all of them. */
async function line(count: number): Promise<Wire[]> {
  const all: Wire[] = [];
  for (let at = 1; at <= count; at += 1) {
    all.push(await send('GET', `/${at}`));
    await eventually(
      () => paths(upstream.received).length,
      (seen) => seen === at,
    );
  }
  assert.deepEqual(
    paths(await upstream.head()),
    Array.from(all, (_, at) => `/${at + 1}`),
  );
  return all;
}

const bodies = async (all: readonly Wire[]): Promise<string[]> =>
  Promise.all(all.map(async (wire) => (await wire.response()).body));

/** Responds to each request on each further connection by its path. */
async function respondToRest(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    const connection = await origin.connection();
    const [path] = paths(await connection.head());
    connection.write(response(`again ${path}`, 'Connection: close\r\n'));
  }
}

describe('requests that share a connection', () => {
  test('get their responses in order, when these come in one piece', async () => {
    await start();
    await warm();
    const all = await line(DEPTH);
    upstream.write(['one', 'two', 'three', 'four'].map((body) => response(body)).join(''));
    assert.deepEqual(await bodies(all), ['one', 'two', 'three', 'four']);
    assert.equal(origin.accepted, 1);
    assert.deepEqual(await gateway.outcomes(), { forwarded: DEPTH + 1 });
  });

  test('get their own responses, with the bytes cut in any place', async () => {
    await start();
    await warm();
    const whole =
      response('one') +
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n';
    for (let at = 1; at < whole.length; at += 1) {
      const all = await line(DEPTH);
      upstream.write(whole.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      upstream.write(whole.slice(at));
      const heads = await Promise.all(all.map((wire) => wire.response()));
      assert.deepEqual(
        heads.map(({ status, body }) => [status, body]),
        [
          [200, 'one'],
          [304, ''],
          [200, 'three'],
          [204, ''],
        ],
        `cut at ${at}`,
      );
      for (const wire of wires.splice(0)) wire.reset();
    }
    assert.equal(origin.accepted, 1);
  });

  test('are no more than the depth allows, and waiting ones follow in their order', async () => {
    await start();
    await warm();
    const all = await line(DEPTH);
    const late = [await send('GET', '/5'), await send('GET', '/6')];
    await eventually(
      () => gateway.connections(),
      ({ waiting }) => waiting === 2,
    );
    assert.equal(upstream.received, '');
    upstream.write(response('one'));
    assert.deepEqual(paths(await upstream.head()), ['/5']);
    upstream.write(response('two'));
    assert.deepEqual(paths(await upstream.head()), ['/6']);
    upstream.write(['three', 'four', 'five', 'six'].map((body) => response(body)).join(''));
    assert.deepEqual(await bodies([...all, ...late]), ['one', 'two', 'three', 'four', 'five', 'six']);
  });

  test('do so only on a connection that upstream has kept once', async () => {
    await start();
    const first = await send('GET', '/1');
    const connection = await origin.connection();
    await connection.head();
    const second = await send('GET', '/2');
    await eventually(
      () => gateway.connections(),
      ({ waiting }) => waiting === 1,
    );
    connection.write(response('one'));
    assert.deepEqual(paths(await connection.head()), ['/2']);
    connection.write(response('two'));
    assert.deepEqual(await bodies([first, second]), ['one', 'two']);
  });

  test('are those that may be repeated: others wait for a connection of their own, and no request overtakes them', async () => {
    await start();
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    const post = await send('POST', '/post', 'Content-Length: 2\r\n\r\nhi');
    await eventually(
      () => gateway.connections(),
      ({ waiting }) => waiting === 1,
    );
    const last = await send('GET', '/last');
    await eventually(
      () => gateway.connections(),
      ({ waiting }) => waiting === 2,
    );
    upstream.write(response('one'));
    assert.equal((await first.response()).body, 'one');
    // There is room now, but not for these.
    assert.deepEqual([upstream.received, (await gateway.connections())['waiting']], ['', 2]);
    upstream.write(response('two'));
    const sent = await upstream.take((text) => text.endsWith('hi'));
    assert.deepEqual(paths(sent), ['/post']);
    upstream.write(response('three'));
    assert.deepEqual(paths(await upstream.head()), ['/last']);
    upstream.write(response('four'));
    assert.deepEqual(await bodies([second, post, last]), ['two', 'three', 'four']);
    assert.equal(origin.accepted, 1);
  });
});

test('no request follows one with a body', async () => {
  await start();
  await warm();
  const post = await send('POST', '/post', 'Content-Length: 2\r\n\r\nhi');
  await upstream.take((text) => text.endsWith('hi'));
  const get = await send('GET', '/get');
  await eventually(
    () => gateway.connections(),
    ({ waiting }) => waiting === 1,
  );
  upstream.write(response('posted'));
  assert.deepEqual(paths(await upstream.head()), ['/get']);
  upstream.write(response('got'));
  assert.deepEqual(await bodies([post, get]), ['posted', 'got']);
});

describe('when a shared connection fails', () => {
  for (const [how, first, last] of [
    ['ends behind an answer', 'one', ''],
    ['ends behind an answer that says so', 'one', 'Connection: close\r\n'],
  ] as const) {
    test(`that ${how}, requests without a response are retried, each once and alone`, async () => {
      await start(DEPTH);
      await warm();
      const all = await line(3);
      upstream.write(response(first, last));
      upstream.socket.end();
      await respondToRest(2);
      assert.deepEqual((await bodies(all)).sort(), ['again /2', 'again /3', 'one']);
      assert.equal(origin.accepted, 3);
    });
  }

  test('a request is retried only once', async () => {
    await start(DEPTH);
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    upstream.write(response('one'));
    upstream.socket.end();
    const connection = await origin.connection();
    await connection.head();
    connection.socket.end();
    assert.equal((await first.response()).body, 'one');
    assert.equal((await second.response()).status, 502);
  });

  test('by an invalid response, that fails its request, and no other', async () => {
    await start(DEPTH);
    await warm();
    const [first, second, third] = (await line(3)) as [Wire, Wire, Wire];
    upstream.write(`${response('one')}HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n`);
    await respondToRest(1);
    assert.equal((await first.response()).body, 'one');
    assert.match((await second.response()).body, /upstream_invalid_response/);
    assert.equal((await third.response()).body, 'again /3');
  });

  test('by silence, that times out the next request, and others are retried', async () => {
    await start(DEPTH, 200);
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    await respondToRest(1);
    assert.equal((await first.response()).status, 504);
    assert.equal((await second.response()).body, 'again /2');
  });

  test('by a response that breaks off, that response is cut, and others are retried', async () => {
    await start(DEPTH);
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    await eventually(
      () => first.pending,
      (text) => text.endsWith('part'),
    );
    upstream.socket.end();
    await respondToRest(1);
    await assert.rejects(first.response());
    assert.equal((await second.response()).body, 'again /2');
  });
});

describe('bytes after the last response', () => {
  test('do not answer a request that has not been sent, and end the connection', async () => {
    await start(DEPTH);
    await warm();
    const [first] = (await line(1)) as [Wire];
    upstream.write(`${response('one')}${response('poison')}`);
    assert.equal((await first.response()).body, 'one');
    await upstream.closed();
    const next = await send('GET', '/next');
    await respondToRest(1);
    assert.equal((await next.response()).body, 'again /next');
  });
});

describe('a client that leaves', () => {
  test('with requests before and after its own does not affect them, and its response is dropped', async () => {
    await start();
    await warm();
    const [first, second, third] = (await line(3)) as [Wire, Wire, Wire];
    second.reset();
    await eventually(
      () => gateway.outcomes(),
      ({ client_aborted }) => client_aborted === 1,
    );
    upstream.write(response('one') + response('nobody reads this') + response('three'));
    assert.deepEqual(await bodies([first, third]), ['one', 'three']);
    assert.equal(origin.accepted, 1);
  });

  test('during its own response leaves the connection to the next ones', async () => {
    await start();
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    first.reset();
    await eventually(
      () => gateway.outcomes(),
      ({ client_aborted }) => client_aborted === 1,
    );
    // The length of that response is unknown, so no other request joins.
    const third = await send('GET', '/3');
    await eventually(
      () => gateway.connections(),
      ({ waiting }) => waiting === 1,
    );
    upstream.write(response('nobody reads this') + response('two'));
    assert.equal((await second.response()).body, 'two');
    await upstream.head();
    upstream.write(response('three'));
    assert.equal((await third.response()).body, 'three');
    assert.equal(origin.accepted, 1);
  });

  test('and has more to come than the next ones should wait for has them retried', async () => {
    await start(DEPTH);
    await warm();
    const [first, second] = (await line(2)) as [Wire, Wire];
    first.reset();
    await eventually(
      () => gateway.outcomes(),
      ({ client_aborted }) => client_aborted === 1,
    );
    upstream.write(response('x'.repeat(1024 * 1024)));
    await respondToRest(1);
    assert.equal((await second.response()).body, 'again /2');
    await upstream.closed();
  });

  test('as the last one ends the connection', async () => {
    await start(DEPTH);
    await warm();
    const all = await line(2);
    for (const wire of all) wire.reset();
    await upstream.closed();
  });
});

test('a client that reads slowly delays the next ones, and loses none of their responses', async () => {
  await start();
  await warm();
  const [first, second] = (await line(2)) as [Wire, Wire];
  const large = 'x'.repeat(8 * 1024 * 1024);
  first.pauseReading();
  upstream.write(response(large));
  upstream.write(response('two'));
  // Upstream is not read any more, and no other request goes on this connection.
  await eventually(
    () => upstream.socket.writableLength,
    (left) => left > 0,
  );
  const late = await send('GET', '/late');
  await eventually(
    () => gateway.connections(),
    ({ waiting }) => waiting === 1,
  );
  first.resumeReading();
  assert.equal((await first.response()).body.length, large.length);
  assert.equal((await second.response()).body, 'two');
  assert.deepEqual(paths(await upstream.head()), ['/late']);
  upstream.write(response('late'));
  assert.equal((await late.response()).body, 'late');
});
