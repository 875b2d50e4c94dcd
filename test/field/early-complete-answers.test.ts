// Source: runs of whole programs: upstream answers 200 at once and goes on reading, and 1,000 of 200,000 bytes arrived.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin, OriginConnection } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

const SIZE = 200_000;
const BEGIN = 1_000;
const body = 'x'.repeat(SIZE);
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let origin: Origin;
let gateway: TestGateway;

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
});

/** An upload whose beginning upstream has received. */
async function begun(framing: string, first: string): Promise<[Wire, OriginConnection]> {
  const wire = await Wire.open(gateway.port);
  const connection = origin.connection();
  wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${framing}\r\n\r\n${first}`);
  const upstream = await connection;
  await upstream.take((text) => text.includes('\r\n\r\nx') || text.includes('\r\n\r\n3e8\r\nx'));
  return [wire, upstream];
}

/** The client sends the rest of its upload, and its connection carries another request to another server connection. */
async function servesNext(wire: Wire): Promise<void> {
  wire.send(body.slice(BEGIN));
  const connection = origin.connection();
  wire.send('GET /y HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const second = await connection;
  assert.match(await second.head(), /^GET \/y /);
  second.write(ok);
  assert.equal((await wire.response()).body, 'ok');
  wire.close();
  second.socket.destroy();
}

describe('a response that is complete before the upload', () => {
  test('does not end it, and both connections stay usable', async () => {
    const [wire, upstream] = await begun(`Content-Length: ${SIZE}`, body.slice(0, BEGIN));
    upstream.write(ok);
    assert.equal((await wire.response()).body, 'ok');
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
    wire.send(body.slice(BEGIN));
    const rest = await upstream.take((text) => text.length >= SIZE - BEGIN);
    assert.equal(rest, body.slice(BEGIN));
    await eventually(
      () => gateway.connections(),
      (seen) => seen['idle'] === 1,
    );
    wire.send('GET /y HTTP/1.1\r\nHost: a.example\r\n\r\n');
    assert.match(await upstream.head(), /^GET \/y /);
    upstream.write(ok);
    assert.equal((await wire.response()).body, 'ok');
    assert.deepEqual(await gateway.outcomes(), { forwarded: 2 });
    wire.close();
    upstream.socket.destroy();
  });

  test('does not end one in chunks', async () => {
    const [wire, upstream] = await begun('Transfer-Encoding: chunked', `3e8\r\n${body.slice(0, BEGIN)}\r\n`);
    upstream.write(ok);
    const end = byEngine('the connection after a chunked request', {
      uws: '\r\n0\r\n\r\n',
      node: '\r\n\r\nok',
    });
    await eventually(
      () => wire.pending,
      (seen) => seen.endsWith(end),
    );
    const left = body.slice(BEGIN);
    wire.send(`${left.length.toString(16)}\r\n${left}\r\n0\r\n\r\n`);
    const all = await upstream.take((text) => text.endsWith('\r\n0\r\n\r\n'));
    assert.equal(all.replaceAll(/[^x]/g, '').length, left.length);
    assert.equal((await wire.response()).body, 'ok');
    wire.close();
    upstream.socket.destroy();
  });

  for (const [name, response] of [
    ['says that it closes', ok.replace('\r\n', '\r\nConnection: close\r\n')],
    ['closes', ok],
  ] as const) {
    test(`ends it when upstream ${name}, and the client's connection stays usable`, async () => {
      const [wire, upstream] = await begun(`Content-Length: ${SIZE}`, body.slice(0, BEGIN));
      upstream.write(response);
      assert.equal((await wire.response()).body, 'ok');
      if (name === 'closes') upstream.socket.end();
      await upstream.closed();
      await servesNext(wire);
      upstream.socket.destroy();
    });
  }

  test('ends it when upstream sends more than its response', async () => {
    const [wire, upstream] = await begun(`Content-Length: ${SIZE}`, body.slice(0, BEGIN));
    upstream.write(ok);
    assert.equal((await wire.response()).body, 'ok');
    upstream.write(ok.replace('200', '201'));
    await upstream.closed();
    await servesNext(wire);
    upstream.socket.destroy();
  });
});
