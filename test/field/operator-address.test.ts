// Source: an adversarial review: unfinished heads keep everybody from the admin address, pipelined requests fill the memory, and any Host is answered (DNS rebinding).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { FakeView } from '../admin/fake-view.ts';
import { request } from '../support/wire.ts';

/** More than any bound of connections. */
const MANY = 100;
/** Milliseconds within which an honest probe gets many replies; unfinished heads have more. */
const PROMPT_MS = 3_000;

describe('the admin address', () => {
  let view: FakeView;
  let admin: Admin;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    view = new FakeView();
    admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['gateway.internal'], view });
    port = Number(admin.address.split(':').at(-1));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await admin.close();
  });

  async function open(text: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {}); // The gateway may close it at any time.
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  }
  const ask = async (host: string, version = '1.1'): Promise<number> =>
    (await request(port, `GET /healthz HTTP/${version}\r\n${host}\r\n`)).status;

  test('replies to a probe while more clients than it accepts have sent half a head', async () => {
    for (let n = 0; n < MANY; n += 1) await open('GET /healthz HTTP/1.1\r\nHost: local');
    for (let n = 0; n < 3; n += 1) {
      const reply = await fetch(`http://127.0.0.1:${port}/healthz`, {
        signal: AbortSignal.timeout(PROMPT_MS),
      });
      assert.equal(reply.status, 200);
    }
  });

  test('replies to a probe while more clients than it accepts do not read their replies', async () => {
    for (let n = 0; n < MANY; n += 1) {
      const socket = await open('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10));
      socket.pause();
    }
    const reply = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(PROMPT_MS),
    });
    assert.equal(reply.status, 200);
  });

  test('serves one request of a connection at a time, and closes where they pile up', async () => {
    const socket = await open('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3_000));
    await new Promise((resolve) => socket.resume().once('close', resolve));
    assert.ok(view.gatherings <= 20, `${view.gatherings} answers were made`);
    // A few get replies, in order.
    const patient = await open('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5));
    let text = '';
    for await (const piece of patient) {
      text += String(piece);
      if (text.split('"status":"ok"').length > 5) break;
    }
    assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 5);
  });

  test('replies under its own address, localhost and configured names, and under no other', async () => {
    for (const host of ['127.0.0.1', '127.0.0.1:9090', 'localhost', 'LOCALHOST:1', 'gateway.internal:9090']) {
      assert.equal(await ask(`Host: ${host}\r\n`), 200, host);
    }
    // An older probe sends no Host.
    assert.equal(await ask('', '1.0'), 200);
    for (const host of [
      'evil.example',
      '127.0.0.1.evil.example',
      '192.0.2.1',
      'localhost.evil.example:9090',
      '',
    ]) {
      assert.equal(await ask(`Host: ${host}\r\n`), 421, host);
    }
    const told = await request(port, 'GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    assert.equal(told.status, 421);
    assert.equal(view.gatherings, 0);
    assert.doesNotMatch(told.body, /evil/);
  });
});
