import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bareForward, eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';
import { HEAD_BYTES } from './request-field-rows.ts';
import { afterResponse, head, type Row, smuggled } from './request-row.ts';
import { rows } from './request-rows.ts';

let origin: Origin;
let gateways: Record<Row['gateway'], TestGateway>;

/** Requests that reached upstream whole, and the connections with a possible part of one. */
const whole: string[] = [];
let connections: OriginConnection[] = [];

before(async () => {
  origin = await Origin.start();
  void acceptAll();
  const limits = { requestHead: HEAD_BYTES, requestBody: Number.POSITIVE_INFINITY, responseHead: 64 * 1024 };
  const options = { upstreamPort: origin.port, routes: [{ forward: bareForward }], config: { limits } };
  gateways = {
    open: await startGateway({ ...options, routes: [{ forward: bareForward, auth: 'none' }] }),
    telling: await startGateway({
      ...options,
      routes: [{ forward: { ...bareForward, forwarded: new Set(['for']) }, auth: 'none' }],
    }),
    guarded: await startGateway(options),
    haproxy: await startGateway({ ...options, config: { limits, rejection: 'haproxy' } }),
  };
});

after(async () => {
  for (const gateway of Object.values(gateways)) await gateway.close();
  await origin.close();
});

async function acceptAll(): Promise<never> {
  for (;;) void respondToAll(await origin.connection());
}

async function respondToAll(connection: OriginConnection): Promise<void> {
  connections.push(connection);
  try {
    for (;;) {
      const text = await connection.take(isWhole);
      whole.push(text);
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  } catch {
    connection.socket.destroy(); // The gateway closed the connection.
  }
}

/** Covers the two ways in which the gateway frames what it sends. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4) return false;
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + Number(length);
  if (!text.includes('\r\ntransfer-encoding: chunked\r\n')) return true;
  return /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(text);
}

/** Sends a request on its own connection and gets the response: the gateway has read earlier bytes by then. */
async function sendMarker(gateway: TestGateway): Promise<void> {
  const response = await request(gateway.port, head('GET /marker', `Authorization: ${gateway.bearer()}`));
  assert.equal(response.status, 200);
}

/** Lets the gateway read the sent bytes, so that the next piece is another read of the engine. */
async function turn(): Promise<void> {
  for (let left = 2; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The responses in `text`, as a row names them. */
function responsesIn(text: string): string[] {
  const responses = text.split(/(?=HTTP\/1\.1 \d{3} )/).filter((response) => response !== '');
  return responses.map((response) => {
    const [top = '', body = ''] = response.split('\r\n\r\n');
    const outcome = /"code":"(\w+)"/.exec(body)?.[1] ?? (body.includes('<h1>') ? 'page' : body);
    return [top.slice(9, 12), outcome].filter((part) => part !== '' && part !== 'ok').join(' ');
  });
}

/** The actual result, in the form of a row. */
type Outcome = Pick<Row, 'responses' | 'upstream' | 'counted'>;

/** Sends the bytes, checks the end of the connection, and yields the rest once all exchanges are over. */
async function play(row: Row, behind = ''): Promise<Outcome> {
  const gateway = gateways[row.gateway];
  const bearer = gateway.bearer();
  await sendMarker(gateway); // An idle upstream connection exists: a request for upstream gets there at once.
  const before = await gateway.outcomes();
  let own = 0;
  whole.length = 0;

  const wire = await Wire.open(gateway.port);
  try {
    for (const [at, piece] of [...row.pieces.slice(0, -1), row.pieces.at(-1) + behind].entries()) {
      if (at > 0) await turn();
      if (piece === afterResponse)
        await eventually(
          () => responsesIn(wire.pending).length,
          (count) => count > 0,
        );
      else wire.send(piece.replaceAll('{bearer}', bearer));
    }
    if (row.halfClose) wire.end();
    await sendMarker(gateway);
    own += 1;
    if (row.end === 'closed') await eventually(() => wire.closed, Boolean);
    if (row.end === 'open') {
      await eventually(
        () => responsesIn(wire.pending).length,
        (count) => count >= row.responses.length,
      );
    }
    const responses = responsesIn(wire.pending);
    if (row.end !== 'closed' && behind === '') assert.equal(wire.closed, false);
    if (row.end === 'open' && behind === '') {
      wire.send(head('GET /next', `Authorization: ${bearer}`));
      const all = await eventually(
        () => responsesIn(wire.pending),
        (seen) => seen.length > responses.length,
      );
      assert.deepEqual(all.slice(responses.length), ['200']);
      own += 1;
    }
    wire.close();
    await sendMarker(gateway);
    own += 1;
    await eventually(() => gateway.connections(), isQuiet);
    await eventually(
      () => connections.filter(isHalfDone).length,
      (count) => count === 0,
    );
    const counted = outcomesSince(before, await gateway.outcomes(), own);
    const upstream = [...whole, ...connections.map((connection) => connection.received)]
      .filter((text) => text !== '' && !/^GET \/(?:marker|next) /.test(text))
      .map((text) => text.replaceAll(bearer, '{bearer}'));
    return { responses, upstream, counted };
  } finally {
    wire.close();
    connections = connections.filter((connection) => !connection.socket.destroyed);
  }
}

function isQuiet(states: Readonly<Record<string, number>>): boolean {
  return ['busy', 'connecting', 'waiting'].every((state) => (states[state] ?? 0) === 0);
}

function isHalfDone(connection: OriginConnection): boolean {
  return connection.received !== '' && !connection.socket.destroyed;
}

type Counts = Readonly<Record<string, number>>;

/** Outcomes counted between the two; `own` forwarded requests were the test's. */
function outcomesSince(before: Counts, now: Counts, own: number): string[] {
  const outcomes = Object.entries(now).flatMap(([outcome, count]) => {
    const fresh = count - (before[outcome] ?? 0) - (outcome === 'forwarded' ? own : 0);
    assert.ok(fresh >= 0, `${outcome}: ${fresh}`);
    return Array.from({ length: fresh }, () => outcome);
  });
  return outcomes.sort();
}

describe('the bytes of a client', () => {
  for (const row of rows) {
    test(row.name, async () => {
      const { responses, upstream, counted } = row;
      assert.deepEqual(await play(row), { responses, upstream, counted: [...counted].sort() });
    });
  }

  const ending = rows.filter((row) => row.end !== 'open' && !row.alone);
  for (const row of ending) {
    test(`${row.name}: a later request in the same segment never reaches upstream`, async () => {
      const { responses, upstream } = await play(row, smuggled);
      assert.deepEqual(
        upstream.filter((text) => text.startsWith('GET /smuggled')),
        [],
      );
      assert.ok(responses.length <= Math.max(1, row.responses.length), responses.join());
      if (!row.responses.includes('200')) assert.ok(!responses.includes('200'));
    });
  }

  test('no two rows have one name', () => {
    assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
  });
});
