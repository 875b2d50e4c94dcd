// Source: kaazing/gateway#419, an upstream that is the gateway itself.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { freePort } from '../../bench/probe.ts';
import { configOf, faultsOf } from '../config/check.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
let seen: string[];
const gateways: TestGateway[] = [];

beforeEach(async () => {
  seen = [];
  origin = await Origin.start();
  origin.serve((head) => {
    seen.push(head);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
});

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  await origin.close();
});

async function start(loopMark: string | undefined, upstreamPort: number, port = 0): Promise<TestGateway> {
  const gateway = await startGateway({
    upstreamPort,
    routes: [{ auth: 'none' }],
    config: { loopMark, listen: [{ host: '127.0.0.1', port }] },
  });
  gateways.push(gateway);
  return gateway;
}

const ask = (port: number, ...lines: string[]): ReturnType<typeof request> =>
  request(port, `${['GET /x HTTP/1.1', 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`);

describe('a request that comes back', () => {
  test('from an upstream that is the gateway itself is refused on its return', async () => {
    const port = await freePort();
    const gateway = await start('mark-a', port, port);
    assert.equal((await ask(port)).status, 508);
    assert.deepEqual(await gateway.outcomes(), { loop_detected: 1, forwarded: 1 });
  });

  test('through another gateway is refused by the first', async () => {
    const port = await freePort();
    const second = await start('mark-b', port);
    const first = await start('mark-a', second.port, port);
    const { status, body } = await ask(first.port);
    assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [508, 'loop_detected']);
    assert.deepEqual(await second.outcomes(), { forwarded: 1 });
  });

  test('is recognized also where Connection names the header with the mark', async () => {
    const gateway = await start('mark-a', origin.port);
    const lines = ['X-Portcullis-Via: mark-a', 'Connection: x-portcullis-via'];
    assert.equal((await ask(gateway.port, ...lines)).status, 508);
    assert.equal((await ask(gateway.port, ...lines.toReversed())).status, 508);
    assert.equal(origin.accepted, 0);
  });
});

test('a proxy that joins the marks of several gateways into one list does not hide the loop', async () => {
  const gateway = await start('mark-a', origin.port);
  for (const list of ['mark-b, mark-a', 'mark-a,mark-b', 'mark-b ,\tmark-a , mark-c']) {
    assert.equal((await ask(gateway.port, `X-Portcullis-Via: ${list}`)).status, 508, list);
  }
  assert.equal(origin.accepted, 0);
});

describe('a request that does not', () => {
  test('passes gateways in a chain', async () => {
    const second = await start('mark-b', origin.port);
    const first = await start('mark-a', second.port);
    assert.equal((await ask(first.port)).status, 200);
    const marks = Array.from(seen[0]?.matchAll(/^x-portcullis-via: (.*)$/gm) ?? [], ([, mark]) => mark);
    assert.deepEqual(marks, ['mark-a', 'mark-b']);
  });

  test('passes repeatedly, with the marks of clients and of other gateways', async () => {
    const gateway = await start('mark-a', origin.port);
    for (const word of ['', 'mark-', 'mark-ab', 'Mark-A', 'mark-b, mark-c']) {
      assert.equal((await ask(gateway.port, `X-Portcullis-Via: ${word}`)).status, 200);
    }
  });

  test('is not marked where the guard is off', async () => {
    const gateway = await start(undefined, origin.port);
    assert.equal((await ask(gateway.port)).status, 200);
    assert.doesNotMatch(seen[0] ?? '', /portcullis/);
  });
});

describe('loopGuard', () => {
  const file = (more: string): string => `
listen: 127.0.0.1:8080
upstream: http://127.0.0.1:9000
issuers: { a: { issuer: https://a, audience: a, algorithms: [HS256], keys: { secret: ${'k'.repeat(40)} } } }
${more}`;

  test('is on unless switched off', () => {
    assert.match(configOf(file('')).loopMark ?? '', /^[\w-]{12}$/);
    assert.match(configOf(file('loopGuard: true')).loopMark ?? '', /^[\w-]{12}$/);
    assert.equal(configOf(file('loopGuard: false')).loopMark, undefined);
  });

  test('reserves its header: no route writes one that would be removed instead of read', () => {
    const faultsWith = (name: string): readonly string[] => {
      const forward = `forward: { set: { ${name}: a } }`;
      const route = `routes: [{ match: { path: / }, auth: a, upstream: 'http://127.0.0.1:9000', ${forward} }]`;
      return faultsOf(file('').replace('upstream: http://127.0.0.1:9000', route));
    };
    for (const name of ['X-Portcullis-Via', 'x_portcullis_via']) {
      assert.match(faultsWith(name).join('\n'), new RegExp(`routes\\[0\\].forward.set.${name}: `), name);
    }
    assert.deepEqual(faultsWith('X-Portcullis-Site'), []);
  });

  test('is true or false', () => {
    assert.match(faultsOf(file('loopGuard: sometimes')).join('\n'), /loopGuard: .*true or false/);
  });
});
