import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import type { SyslogConfig } from '../../src/config/records-config.ts';
import { Counter } from '../../src/lib/counters.ts';
import type { Log } from '../../src/lib/log.ts';
import { accessOutlet } from '../../src/outlets/access-outlet.ts';
import { type LineOutlet, MAX_WAITING_BYTES } from '../../src/outlets/line-outlet.ts';
import { SyslogMessages } from '../../src/outlets/syslog-message.ts';
import { eventually, silentLog } from '../support/gateway.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const NOW = Date.UTC(2026, 11, 1, 4, 40, 0, 7);
const clock = { wall: () => NOW };

interface Outlet {
  readonly outlet: LineOutlet;
  readonly dropped: Counter;
  /** Messages of the log. */
  readonly told: string[];
}

async function outletTo(server: SyslogConfig['server']): Promise<Outlet> {
  const dropped = new Counter();
  const told: string[] = [];
  const tell = (_: object, message: string): void => void told.push(message);
  const log: Log = { ...silentLog, warn: tell, info: tell };
  const settings = {
    level: 'info',
    access: 1,
    accessLog: { syslog: { server, facility: 'local7' } },
  } as const;
  const outlet = accessOutlet(settings, log, dropped, clock);
  assert.ok(outlet);
  open.push(() => outlet.close());
  await outlet.open();
  return { outlet, dropped, told };
}

/** A server of syslog over streams, and the text that it has got. */
class Receiver {
  text = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        this.text += bytes.toString();
      });
    });
  }

  async listen(at: ListenOptions): Promise<number> {
    this.#server.listen(at);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The messages, each of which comes after its length. */
  get messages(): readonly string[] {
    const found: string[] = [];
    let rest = Buffer.from(this.text);
    while (rest.length > 0) {
      const [, digits = ''] = /^(\d+) /.exec(rest.toString('latin1', 0, 10)) ?? [];
      assert.notEqual(digits, '', 'a message has no length');
      const [from, to] = [digits.length + 1, digits.length + 1 + Number(digits)];
      if (rest.length < to) break;
      found.push(rest.toString('utf8', from, to));
      rest = rest.subarray(to);
    }
    return found;
  }
}

async function receiver(at: ListenOptions): Promise<{ server: Receiver; port: number }> {
  const server = new Receiver();
  open.push(() => server.close());
  return { server, port: await server.listen(at) };
}

const tcp = (port: number): SyslogConfig['server'] => ({
  transport: 'tcp',
  host: '127.0.0.1',
  port,
  text: `tcp://127.0.0.1:${port}`,
});

test('a message has the form of RFC 5424', () => {
  const messages = new SyslogMessages('local0', 17, 'gateway one\u0007');
  assert.equal(
    messages.of('{"path":"/"}\n', NOW),
    '<134>1 2026-12-01T04:40:00.007Z gatewayone portcullis 17 access - {"path":"/"}',
  );
  assert.match(
    new SyslogMessages('user', 1, '\u00e9').of('x\n', NOW),
    /^<14>1 \S+ - portcullis 1 access - x$/,
  );
});

describe('lines go to syslog', () => {
  test('by UDP, one in each datagram', async () => {
    const socket = createSocket('udp4');
    const got: string[] = [];
    socket.on('message', (bytes) => got.push(bytes.toString()));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    open.push(() => socket.close());
    const { port } = socket.address();
    const text = `udp://127.0.0.1:${port}`;
    const { outlet, dropped } = await outletTo({ transport: 'udp', host: '127.0.0.1', port, text });
    outlet.write('one\n');
    outlet.write('two\n');
    await eventually(
      () => got.length,
      (count) => count === 2,
    );
    await outlet.reopen();
    outlet.write('three\n');
    await eventually(
      () => got.length,
      (count) => count === 3,
    );
    assert.deepEqual(
      got.map((message) => message.split(' - ')[1]),
      ['one', 'two', 'three'],
    );
    assert.ok(got.every((message) => message.startsWith('<190>1 2026-12-01T04:40:00.007Z ')));
    assert.equal(dropped.value, 0);
  });

  test('by UDP where nothing listens: they are counted as lost, and the log says so', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    const text = `udp://127.0.0.1:${port}`;
    const { outlet, dropped, told } = await outletTo({ transport: 'udp', host: '127.0.0.1', port, text });
    await eventually(
      () => {
        outlet.write('x\n');
        return dropped.value;
      },
      (count) => count > 0,
    );
    assert.ok(told.includes('the access log cannot be written'));
  });

  test('by TCP, each after its length', async () => {
    const { server, port } = await receiver({ host: '127.0.0.1', port: 0 });
    const { outlet, dropped } = await outletTo(tcp(port));
    for (const line of ['one', 'zwei \u2026', 'three']) outlet.write(`${line}\n`);
    await eventually(
      () => server.messages.length,
      (count) => count === 3,
    );
    await outlet.close();
    assert.deepEqual(
      server.messages.map((message) => message.split(' - ')[1]),
      ['one', 'zwei \u2026', 'three'],
    );
    assert.equal(dropped.value, 0);
  });

  test('by a unix socket in the same way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    open.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'log');
    const { server } = await receiver({ path });
    const { outlet } = await outletTo({ transport: 'unix', path, text: `unix:${path}` });
    outlet.write('one\n');
    await outlet.close();
    assert.deepEqual(
      server.messages.map((message) => message.split(' - ')[1]),
      ['one'],
    );
  });

  test('by TCP again when the server is back, those that waited first', async () => {
    const first = new Receiver();
    const port = await first.listen({ host: '127.0.0.1', port: 0 });
    const { outlet, told } = await outletTo(tcp(port));
    outlet.write('one\n');
    await eventually(
      () => first.messages.length,
      (count) => count === 1,
    );
    await first.close();
    await eventually(
      () => told.length,
      (count) => count > 0,
    );
    outlet.write('two\n');
    outlet.write('three\n');
    const { server } = await receiver({ host: '127.0.0.1', port });
    await eventually(
      () => server.messages.length,
      (count) => count === 2,
    );
    assert.deepEqual(
      server.messages.map((message) => message.split(' - ')[1]),
      ['two', 'three'],
    );
    assert.deepEqual(
      [told[0], told.at(-1)],
      ['the access log cannot be written', 'the access log can be written again'],
    );
  });

  test('that does not listen: lines wait, up to a bound, and are counted at the end', async () => {
    const nothing = new Receiver();
    const port = await nothing.listen({ host: '127.0.0.1', port: 0 });
    await nothing.close();
    const { outlet, dropped } = await outletTo(tcp(port));
    let written = 0;
    while (!outlet.crowded) {
      outlet.write(`${'x'.repeat(1000)}\n`);
      written += 1;
    }
    assert.ok(written < MAX_WAITING_BYTES / 1000, `${written} lines`);
    await outlet.close();
    assert.equal(dropped.value, written);
  });
});
