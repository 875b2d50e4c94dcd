// Source: an adversarial review, what held: answers on connections shared by eight, whose clients abort.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chance } from '../soak/chance.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

const CLIENTS = 24;
const REQUESTS = 40;
/** The same choices each time; their coincidence depends on the machine. */
const SEED = 8;

/** Responses received, clients that left, and reads of upstream that brought more than one request. */
const counts = { whole: 0, left: 0, shared: 0 };

let origin: Origin;
let gateway: TestGateway;
const chance = new Chance(SEED);

before(async () => {
  origin = await Origin.start();
  void (async () => {
    for (;;) void serve(await origin.connection(), chance.fork());
  })();
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    pipelining: 8,
    limits: { connections: 3, waiting: 4 * CLIENTS },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The response to a request, which names it, in one of the forms of a response. */
function responseTo(path: string, choices: Chance): string {
  const body = `${path} ${'.'.repeat(choices.of([0, 10, 3000, 40_000]))}`;
  const interim = choices.once(5) ? 'HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n' : '';
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
  const framed = choices.once(2)
    ? `Content-Length: ${body.length}\r\n\r\n${body}`
    : `Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
  return `${interim}HTTP/1.1 200 OK\r\nX-Path: ${path}\r\n${framed}`;
}

/** Responds to each request on a connection in order, in pieces, sometimes to several at once. */
async function serve(connection: OriginConnection, choices: Chance): Promise<void> {
  let unread = '';
  let unsent = '';
  try {
    for (;;) {
      unread += await connection.take((text) => text !== '');
      const heads = unread.split('\r\n\r\n');
      unread = heads.pop() as string;
      if (heads.length > 1) counts.shared += 1;
      for (const head of heads) {
        unsent += responseTo(/^GET (\S+) /.exec(head)?.[1] as string, choices);
        if (choices.once(3)) continue;
        const middle = choices.below(unsent.length);
        connection.write(unsent.slice(0, middle));
        await turn();
        connection.write(unsent.slice(middle));
        unsent = '';
      }
      connection.write(unsent);
      unsent = '';
    }
  } catch {
    connection.socket.destroy(); // The gateway closed the connection.
  }
}

/** A client that sends one request after another, and leaves now and then: before, in and after the first bytes of its response. */
async function ask(name: number, choices: Chance): Promise<void> {
  let wire = await Wire.open(gateway.port);
  for (let n = 0; n < REQUESTS; n += 1) {
    const path = `/${name}/${n}`;
    wire.send(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    if (choices.once(4)) {
      const wait = choices.below(4);
      for (let turns = 0; turns < wait; turns += 1) await turn();
      assert.ok(
        wire.pending === '' || wire.pending.includes(`X-Path: ${path}\r\n`),
        wire.pending.slice(0, 200),
      );
      wire.reset();
      counts.left += 1;
      wire = await Wire.open(gateway.port);
      continue;
    }
    const { status, body, headers } = await wire.response();
    assert.deepEqual([status, headers.get('x-path'), body.split(' ')[0]], [200, path, path]);
    counts.whole += 1;
  }
  assert.equal(wire.pending, '');
  wire.close();
}

test('no client gets the response of another, however many leave', async () => {
  await Promise.all(Array.from({ length: CLIENTS }, (_, name) => ask(name, chance.fork())));
  assert.equal(counts.whole + counts.left, CLIENTS * REQUESTS);
  assert.ok(counts.left > (CLIENTS * REQUESTS) / 8);
  assert.ok(counts.shared > 0, 'connections were shared');
  const {
    forwarded = 0,
    client_aborted: aborted = 0,
    ...others
  } = await eventually(
    () => gateway.outcomes(),
    (seen) => (seen['forwarded'] ?? 0) + (seen['client_aborted'] ?? 0) >= counts.whole,
  );
  assert.deepEqual(others, {});
  assert.ok(aborted > 0 && forwarded >= counts.whole, `${aborted} aborted, ${forwarded} forwarded`);
  await eventually(
    () => gateway.connections(),
    (seen) => (seen['busy'] ?? 0) + (seen['waiting'] ?? 0) === 0,
  );
});
