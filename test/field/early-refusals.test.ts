// Source: field reports: an expired token and an upload that is still being sent, by http.request, curl and Python.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { byEngine } from '../support/engine.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { Wire } from '../support/wire.ts';

const run = promisify(execFile);
const KIB = 1024;
const MIB = 1024 * KIB;
/** Requests one after another, each of which must get its response. */
const OFTEN = 16;
/** Bytes of a chunked body that are read after a reply: one engine closes the connection, the other one keeps it. */
const MOST = byEngine('the connection after a chunked request', { uws: 256 * MIB, node: 16 * MIB });
/** The connection goes on after such a body. */
const STAYS = byEngine('the connection after a chunked request', { uws: false, node: true });
/** limits.requestBody. */
const LIMIT = 2 * MIB;

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
  gateway = await startGateway({
    upstreamPort: origin.port,
    config: { limits: { requestBody: LIMIT } },
    routes: [
      { match: { host: undefined, path: '/guarded', methods: undefined } },
      { name: 'open', match: { host: undefined, path: '/open', methods: undefined }, auth: 'none' },
    ],
  });
});

afterEach(async () => {
  await gateway.close();
  await origin.close();
});

/** Status and body of the reply to an upload that http.request sends as fast as it can. */
async function upload(
  path: string,
  pieces: number,
  headers: Record<string, string>,
): Promise<[number, string]> {
  const request = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    path,
    method: 'POST',
    agent: false,
    headers,
  });
  const responded = once(request, 'response').then(async ([message]) => {
    const response = message as IncomingMessage;
    let body = '';
    for await (const bytes of response) body += String(bytes);
    return [response.statusCode as number, body] as [number, string];
  });
  const closed = new Promise<void>((resolve) => request.on('close', resolve));
  // After the reply the client may notice that its body is not read.
  request.on('error', () => {});
  for (let piece = 0; piece < pieces; piece += 1) request.write(Buffer.alloc(64 * KIB));
  request.end();
  const reply = await responded;
  await closed;
  return reply;
}

const codeOf = ([status, body]: [number, string]): string =>
  `${status} ${(JSON.parse(body) as { code: string }).code}`;

describe('a refusal reaches the client during its upload', () => {
  test('an expired token and a chunked upload of 1 MiB', async () => {
    const authorization = gateway.bearer({ exp: 1 });
    for (let turn = 0; turn < OFTEN; turn += 1) {
      assert.equal(codeOf(await upload('/guarded', 16, { authorization })), '401 token_expired');
    }
  });

  test('a body of 32 MiB whose length is too large', async () => {
    const headers = { 'content-length': String(32 * MIB) };
    for (let turn = 0; turn < 4; turn += 1) {
      assert.equal(codeOf(await upload('/guarded', 512, headers)), '413 request_body_too_large');
    }
  });

  test('a chunked body that grows beyond its limit', async () => {
    for (let turn = 0; turn < OFTEN; turn += 1) {
      assert.equal(codeOf(await upload('/open', 64, {})), '413 request_body_too_large');
    }
  });

  test('a large upload by curl, which waits for 100 and then sends', needs('curl'), async () => {
    const command = `head -c ${20 * MIB} /dev/zero | curl -sS -o /dev/null -w '%{http_code}' -T - http://127.0.0.1:${gateway.port}/guarded`;
    for (let turn = 0; turn < 4; turn += 1) {
      assert.equal((await run('sh', ['-c', command])).stdout, '401');
    }
  });

  for (const method of ['POST', 'HEAD']) {
    for (const bytes of [1, 20_000, 300_000]) {
      test(`a ${method} of ${bytes} bytes sent at once with its head, by a client that asks for the close`, async () => {
        const head = `${method} /guarded HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: ${bytes}`;
        for (let turn = 0; turn < OFTEN; turn += 1) {
          const wire = await Wire.open(gateway.port);
          wire.send(`${head}\r\n\r\n${'b'.repeat(bytes)}`);
          await wire.untilClosed();
          assert.match(wire.pending, /^HTTP\/1\.1 401 [\s\S]*\r\nconnection: close\r\n/i);
          wire.close();
        }
      });
    }
  }

  test("by Python's http.client, which sends everything before it reads", needs('python3'), async () => {
    const script = `
import http.client
for turn in range(${OFTEN}):
    c = http.client.HTTPConnection('127.0.0.1', ${gateway.port})
    c.request('POST', '/guarded', body=(bytes(65536) for _ in range(64)), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
    r = c.getresponse()
    print(r.status, len(r.read()))
    c.close()
`;
    const { stdout } = await run('python3', ['-c', script]);
    assert.deepEqual(
      new Set(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]),
      ),
      new Set(['401']),
    );
    assert.equal(stdout.trim().split('\n').length, OFTEN);
  });
});

describe('after such a refusal', () => {
  const head = 'POST /guarded HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n';

  test('the reply is whole before the body is, and nothing is sent upstream', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`${head}5\r\nabcde\r\n`);
    const whole = await eventually(
      () => wire.pending,
      (seen) => /}\n(?:\r\n0\r\n\r\n)?$/.test(seen),
    );
    assert.equal(/^HTTP\/1\.1 401 [\s\S]*\r\nconnection: close\r\n/i.test(whole), !STAYS);
    assert.equal(wire.closed, false);
    wire.send('0\r\n\r\n');
    assert.equal((await wire.response()).closed, !STAYS);
    assert.equal(origin.accepted, 0);
    wire.close();
  });

  test('a request in the bytes after the body is served where the connection stays, and nowhere else', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(`${head}0\r\n\r\nGET /open HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    if (STAYS) {
      assert.equal((await wire.response()).status, 401);
      assert.match(await (await origin.connection()).head(), /^GET \/open /);
    } else {
      assert.doesNotMatch(await wire.untilClosed(), /200/);
      assert.equal(origin.accepted, 0);
    }
    wire.close();
  });

  // Where the connection stays, the client has half a minute: see the unwanted bodies of that front.
  if (!STAYS) {
    test('the gateway releases a client that sends nothing more', async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(head);
      assert.equal((await wire.response()).closed, true);
      wire.close();
    });
  }

  test('a client that sends without end is cut', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(head);
    const piece = `${MIB.toString(16)}\r\n${'b'.repeat(MIB)}\r\n`;
    let sent = 0;
    for (; sent < 2 * MOST && !wire.closed; sent += MIB) {
      wire.send(piece);
      await Promise.race([wire.sent(), wire.untilClosed().catch(() => '')]);
    }
    assert.ok(wire.closed);
    assert.ok(sent >= MOST, `cut after ${sent} bytes`);
    wire.close();
  });

  test('a malformed head ends the connection at once', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send('POST /guarded HTTP/1.1\r\nHost: a b\r\nContent-Length: 100000000\r\n\r\nabc');
    const reply = await wire.response();
    assert.deepEqual([reply.status, reply.closed], [400, true]);
    wire.close();
  });
});
