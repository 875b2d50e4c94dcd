// Source: an adversarial review: clients that write a whole request and reset the connection at once.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Log } from '../../src/lib/log.ts';
import { eventually, inFlight, silentLog, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

/** The client whose requests are cut, and its neighbours. */
const LEAVES = '127.0.0.9';
const STAYS = '127.0.0.2';
/** Clients that leave in one run, and runs until one of them was read before its end was noticed. */
const CLIENTS = 1000;
const RUNS = 10;

const start = promisify(execFile);

let origin: Origin;
let gateway: TestGateway | undefined;
let logged: { client: unknown; outcome: string }[];
/** X-Forwarded-For of each request that upstream received, undefined for none. */
let addresses: (string | undefined)[];
let staying: Wire | undefined;

beforeEach(async () => {
  logged = [];
  addresses = [];
  origin = await Origin.start();
  origin.serve((request) => {
    for (const head of request.split('\r\n\r\n').filter((text) => text.includes(' HTTP/1.1')))
      if (!head.includes('/stay')) addresses.push(/^x-forwarded-for: (.*)$/m.exec(head)?.[1]);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
});

afterEach(async () => {
  staying?.close();
  staying = undefined;
  await gateway?.close();
  gateway = undefined;
  await origin.close();
});

const log: Log = {
  ...silentLog,
  info: (line, text) => {
    if (text === 'request') logged.push(line as { client: unknown; outcome: string });
  },
};

async function open(): Promise<TestGateway> {
  gateway = await startGateway({
    upstreamPort: origin.port,
    log,
    config: {
      log: { level: 'info', access: 1 },
    },
    routes: [
      { auth: 'none' },
      { name: '/guarded', match: { host: undefined, path: '/guarded', methods: undefined } },
    ],
  });
  staying = await Wire.open(gateway.port, '127.0.0.1', STAYS);
  staying.send('GET /stay HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal((await staying.response()).status, 200);
  return gateway;
}

/** Sends requests of clients that leave, and waits until all exchanges are over. */
async function leaveOften(target: TestGateway, bytes: string): Promise<void> {
  const file = join(import.meta.dirname, 'leaving-clients.js');
  let aborted = 0;
  for (let run = 0; run < RUNS && aborted === 0; run += 1) {
    await start(process.execPath, [
      file,
      String(target.port),
      LEAVES,
      String(CLIENTS),
      JSON.stringify(bytes),
    ]);
    await eventually(
      () => inFlight(target).length,
      (count) => count === 0,
    );
    aborted = (await target.outcomes())['client_aborted'] ?? 0;
  }
  assert.ok(aborted > 0, 'no client was seen to leave');
}

const requests = {
  'a public GET': () => 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'a POST with a valid token': (target: TestGateway) =>
    `POST /guarded HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${target.bearer()}\r\nContent-Length: 3\r\n\r\nabc`,
};

describe('clients that reset the connection right after their request', () => {
  for (const [name, bytes] of Object.entries(requests)) {
    test(`${name}: never goes upstream, nor into the log, under another address than theirs`, async () => {
      const target = await open();
      await leaveOften(target, bytes(target));
      assert.deepEqual(new Set(addresses.filter((address) => address !== LEAVES)), new Set());
      const clients = new Set(logged.filter(({ client }) => client !== STAYS).map(({ client }) => client));
      for (const client of clients) assert.ok(client === LEAVES || client === null, String(client));
      // Requests without an address were dropped.
      const nameless = logged.filter(({ client }) => client === null).map(({ outcome }) => outcome);
      assert.deepEqual(new Set([...nameless, 'client_aborted']), new Set(['client_aborted']));
    });
  }
});

test('a client that stays is served under its own address beside them', async () => {
  const target = await open();
  const asking = staying as Wire;
  await leaveOften(target, requests['a public GET']());
  const before = logged.length;
  asking.send('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal((await asking.response()).status, 200);
  assert.equal(addresses.at(-1), STAYS);
  // Clients that have left may still be logged beside it.
  const clients = logged.slice(before).map(({ client }) => client);
  assert.equal(clients.filter((client) => client === STAYS).length, 1);
  assert.deepEqual(new Set([...clients, LEAVES, null]), new Set([STAYS, LEAVES, null]));
});
