import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { configFromObject, type LoadResult } from '../../src/config/load.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { testEngine } from '../support/engine.ts';
import { silentLog } from '../support/gateway.ts';
import { type Haproxy, startHaproxy } from '../support/haproxy.ts';
import { needs } from '../support/programs.ts';
import { rsaKey } from '../support/tokens.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';
import { audience, type Case, get, issuer, messages, type Outcome, parityCases } from './cases.ts';

const key = rsaKey();
const cases = parityCases(key, rsaKey());

/** Header fields about the transfer of a message, which each proxy decides for itself. */
const hopFields = new Set(['connection', 'keep-alive', 'transfer-encoding']);
/** Header fields in which a proxy sends upstream facts about the client; another test compares them. */
const forwardedFields = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
  'via',
  'x-portcullis-via',
]);

/** Responds with the request that it received, so that a changed request is visible in the response. */
function startEcho(): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const headers = Object.entries(incoming.headers)
        .filter(([name]) => !hopFields.has(name) && !forwardedFields.has(name))
        .sort(([one], [other]) => (one < other ? -1 : 1));
      const body = JSON.stringify({
        method: incoming.method,
        url: incoming.url,
        headers,
        body: Buffer.concat(parts).toString('latin1'),
      });
      outgoing.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-seen': Object.keys(incoming.headers)
          .filter((name) => forwardedFields.has(name))
          .sort()
          .join(' '),
      });
      outgoing.end(body);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** The file of a user in place of the walk-through's rules; `pem` is a path or PEM text. */
function loadWalkThrough(upstreamPort: number, pem: string): LoadResult {
  const written = {
    listen: { address: '127.0.0.1:0', engine: testEngine },
    admin: '127.0.0.1:0',
    issuers: { fusionauth: { issuer, audience, algorithms: ['RS256'], keys: { pem } } },
    upstream: `http://127.0.0.1:${upstreamPort}`,
    rejection: 'haproxy',
  };
  return configFromObject(written, tmpdir(), {});
}

/** The parts of a response that clients of the walk-through's configuration rely on. */
function visible(response: WireResponse): object {
  return {
    statusLine: response.raw.slice(0, response.raw.indexOf('\r\n')),
    contentType: response.headers.get('content-type'),
    contentLength: response.headers.get('content-length'),
    challenge: response.headers.get('www-authenticate'),
    body: response.body,
  };
}

/** Fails unless `answer` to the request of `item` ended as `expected`. */
function assertOutcome(response: WireResponse, expected: Outcome, item: Case): void {
  const toHead = item.bytes.startsWith('HEAD ');
  if (expected === 'passed') {
    assert.equal(response.status, 200, response.raw);
    assert.equal(response.headers.get('content-type'), 'application/json');
    if (!toHead) assert.match(response.body, /^\{"method":/);
  } else if (typeof expected === 'string') {
    const message = messages[expected];
    assert.deepEqual(visible(response), {
      statusLine: 'HTTP/1.1 403 Forbidden',
      contentType: 'text/html',
      contentLength: String(message.length),
      challenge: undefined,
      body: toHead ? '' : message,
    });
    assert.equal(response.closed, false, 'a denial keeps the connection');
  } else {
    assert.ok(expected.includes(response.status), response.raw);
  }
}

describe('the walk-through on real HAProxy', needs('haproxy'), () => {
  let echo: Server;
  let haproxy: Haproxy;

  before(async () => {
    echo = await startEcho();
    const upstreamPort = (echo.address() as AddressInfo).port;
    haproxy = await startHaproxy({ upstreamPort, rules: { issuer, audience, pem: key.pem } });
  });
  after(async () => {
    await haproxy?.close();
    echo?.close();
    echo?.closeAllConnections();
  });

  for (const item of cases) {
    test(`measured: ${item.name}`, async () => {
      assertOutcome(await request(haproxy.port, item.bytes), item.haproxy, item);
    });
  }

  test('measured: two pipelined denials get two replies on one connection', async () => {
    await assertPipelined(haproxy.port);
  });

  test('measured: a missing key file starts, and refuses every token', async () => {
    const upstreamPort = (echo.address() as AddressInfo).port;
    const keyless = await startHaproxy({ upstreamPort, rules: { issuer, audience, pem: undefined } });
    try {
      const good = cases.find(({ name }) => name === 'a good token') as Case;
      assertOutcome(await request(keyless.port, good.bytes), 'signature', good);
    } finally {
      await keyless.close();
    }
  });
});

describe('`rejection: haproxy` beside real HAProxy', needs('haproxy'), () => {
  let echo: Server;
  let haproxy: Haproxy;
  let gateway: LocalGateway;
  let port: number;

  before(async () => {
    echo = await startEcho();
    const upstreamPort = (echo.address() as AddressInfo).port;
    haproxy = await startHaproxy({ upstreamPort, rules: { issuer, audience, pem: key.pem } });
    const loaded = loadWalkThrough(upstreamPort, key.pem);
    assert.ok(loaded.ok);
    gateway = createGateway(loaded.config, { log: silentLog });
    await gateway.start();
    port = Number(gateway.addresses.listen[0]?.split(':').at(-1));
  });
  after(async () => {
    await gateway?.close({ graceMs: 0 });
    await haproxy?.close();
    echo?.close();
    echo?.closeAllConnections();
  });

  for (const item of cases.filter(({ difference }) => difference === undefined)) {
    test(`same: ${item.name}`, async () => {
      const [theirs, ours] = await Promise.all([
        request(haproxy.port, item.bytes),
        request(port, item.bytes),
      ]);
      assert.deepEqual(visible(ours), visible(theirs));
      assert.equal(ours.closed, theirs.closed);
    });
  }

  for (const item of cases) {
    const { difference } = item;
    if (difference === undefined) continue;
    test(`deliberately different: ${item.name} (${difference.why})`, async () => {
      const [theirs, ours] = await Promise.all([
        request(haproxy.port, item.bytes),
        request(port, item.bytes),
      ]);
      assertOutcome(ours, difference.gateway, item);
      assert.notDeepEqual(visible(ours), visible(theirs), 'listed as different, but it is the same');
    });
  }

  test('same: two pipelined denials get two replies on one connection', async () => {
    await assertPipelined(port);
  });

  test('deliberately different: a missing key file is a fault at start', () => {
    const loaded = loadWalkThrough(1, './portcullis-no-such-key.pem');
    assert.equal(loaded.ok, false);
    assert.deepEqual(loaded.ok ? [] : loaded.faults.map(({ path }) => path), ['issuers.fusionauth.keys.pem']);
  });

  test('deliberately different: a denial carries a Date (RFC 9110 §6.6.1), and nothing else is added', async () => {
    const [theirs, ours] = await Promise.all([request(haproxy.port, get([])), request(port, get([]))]);
    assert.deepEqual([...theirs.headers.keys()].sort(), ['content-length', 'content-type']);
    assert.deepEqual([...ours.headers.keys()].sort(), ['content-length', 'content-type', 'date']);
  });

  test('deliberately different: upstream receives the client, its address and its scheme', async () => {
    const good = cases.find(({ name }) => name === 'a good token') as Case;
    const [theirs, ours] = await Promise.all([request(haproxy.port, good.bytes), request(port, good.bytes)]);
    assert.equal(theirs.headers.get('x-seen'), '');
    assert.equal(
      ours.headers.get('x-seen'),
      'x-forwarded-for x-forwarded-host x-forwarded-proto x-portcullis-via',
    );
  });
});

async function assertPipelined(port: number): Promise<void> {
  const wire = await Wire.open(port);
  try {
    wire.send(get([]) + get(['Authorization: Basic Ym9iOnB3']));
    assert.equal((await wire.response()).body, messages.header);
    assert.equal((await wire.response()).body, messages.algorithm);
    assert.equal(wire.closed, false);
  } finally {
    wire.close();
  }
}
