import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { UpstreamConfig } from '../../src/config/upstream-config.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { eventually, serverAt, silentLog, testConfig } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

const FULL = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The ways in which a server fails a request. */
const faults: Readonly<Record<string, (socket: Socket) => void>> = {
  'answers with 503': (socket) =>
    socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ngone'),
  'resets before a response': (socket) => socket.resetAndDestroy(),
  'resets after the head': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', () => socket.resetAndDestroy()),
  'sends no HTTP': (socket) => socket.write('what is this\r\n\r\n'),
  'sends nothing': () => {},
};

/** An upstream server that fails as it is told. */
class Faulty {
  served = 0;
  /** Undefined: it works. */
  fail: ((socket: Socket) => void) | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('data', () => {
        this.served += 1;
        if (this.fail === undefined) socket.write(FULL);
        else this.fail(socket);
      });
    });
  }

  static async start(port = 0): Promise<Faulty> {
    const faulty = new Faulty();
    faulty.#server.listen(port, '127.0.0.1');
    await once(faulty.#server, 'listening');
    return faulty;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

interface ServerStatus {
  readonly healthy: boolean;
  readonly ejected: { readonly until: string; readonly cause: string; readonly times: number } | null;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function faulty(): Promise<Faulty> {
  const server = await Faulty.start();
  open.push(() => server.stop());
  return server;
}

/** A gateway in front of these servers that ejects after three failures. */
class Stand {
  readonly lines: string[] = [];
  readonly gateway: LocalGateway;
  readonly #ports: readonly number[];

  constructor(ports: readonly number[], upstream: Partial<UpstreamConfig> = {}) {
    this.#ports = ports;
    const line = (fields: object, message: string): void => {
      if (message.startsWith('an upstream server')) this.lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.gateway = createGateway(this.config(upstream), {
      log: { ...silentLog, info: line, warn: line },
      acceptVulnerableNode: true,
    });
  }

  config(upstream: Partial<UpstreamConfig>) {
    const config = testConfig({ upstreamPort: 1, routes: [{ auth: 'none' }] });
    const [app] = config.upstreams.values() as Iterable<UpstreamConfig>;
    const own: UpstreamConfig = {
      ...(app as UpstreamConfig),
      servers: this.#ports.map((port) => serverAt(port)),
      balance: 'round-robin',
      retries: { attempts: 0, budget: 0.2, on: [] },
      outliers: { failures: 3, ejectionMs: 60_000, most: 0.5 },
      ...upstream,
    };
    return { ...config, upstreams: new Map([['app', own]]) };
  }

  async start(): Promise<this> {
    await this.gateway.start();
    open.push(async () => void (await this.gateway.close({ graceMs: 0 })));
    return this;
  }

  /** Sends requests, one after another, and counts the good responses. */
  async ask(count: number): Promise<number> {
    let good = 0;
    for (let sent = 0; sent < count; sent += 1) {
      const port = portOf(this.gateway.addresses.listen[0] as string);
      const head = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      // A response that upstream breaks off ends before its last byte.
      const status = await request(port, head).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) good += 1;
    }
    return good;
  }

  async servers(): Promise<readonly ServerStatus[]> {
    return JSON.parse(await this.#admin('/status')).upstreams[0].servers;
  }

  async states(): Promise<Record<string, string>> {
    const text = await this.#admin('/metrics');
    const found = text.matchAll(/^portcullis_upstream_servers\{upstream="app",state="(\w+)"\} ([1-9])/gm);
    return Object.fromEntries(Array.from(found, ([, state = '', count = '']) => [state, count]));
  }

  async #admin(path: string): Promise<string> {
    const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    return (await request(portOf(this.gateway.addresses.admin), head)).body;
  }
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

describe('a server is ejected after failures in a row that', () => {
  for (const [what, fail] of Object.entries(faults)) {
    test(what, async () => {
      const [well, ill] = [await faulty(), await faulty()];
      ill.fail = fail;
      const timeouts = { connectMs: 5_000, responseMs: 150, idleMs: 60_000, keepAliveMs: 60_000 };
      const stand = await new Stand([well.port, ill.port], { timeouts }).start();
      await stand.ask(6);
      assert.equal(ill.served, 3);
      assert.equal(await stand.ask(20), 20);
      assert.equal(ill.served, 3);
      const [, status] = await stand.servers();
      assert.equal(status?.healthy, false);
      assert.equal(status?.ejected?.times, 1);
    });
  }

  test('refuses connections', async () => {
    const [well, gone] = [await faulty(), await Faulty.start()];
    const { port } = gone;
    await gone.stop();
    const stand = await new Stand([well.port, port]).start();
    assert.equal(await stand.ask(6), 3);
    assert.equal(await stand.ask(20), 20);
    assert.equal((await stand.servers())[1]?.ejected?.cause, 'refused');
  });
});

describe('an ejection', () => {
  test('is shown and logged, and ends', async () => {
    const [well, ill] = [await faulty(), await faulty()];
    ill.fail = faults['answers with 503'];
    const outliers = { failures: 3, ejectionMs: 300, most: 0.5 };
    const stand = await new Stand([well.port, ill.port], { outliers }).start();
    await stand.ask(6);
    // A busy machine may see the end of it before it looks.
    const { ejected } = (await stand.servers())[1] ?? {};
    if (ejected) {
      assert.equal(ejected.cause, 'unavailable');
      assert.ok(Date.parse(ejected.until) > Date.now() - 60_000);
    }
    ill.fail = undefined;
    await eventually(
      () => stand.lines.length,
      (count) => count === 2,
    );
    assert.equal(await stand.ask(20), 20);
    assert.ok(ill.served > 3);
    const server = `"upstream":"app","server":"127.0.0.1:${ill.port}"`;
    const lines = stand.lines.map((line) => line.replace(/"seconds":0\.\d/, '"seconds":0.3'));
    assert.deepEqual(lines, [
      `an upstream server is ejected {${server},"cause":"unavailable","seconds":0.3,"times":1}`,
      `an upstream server is no longer ejected {${server}}`,
    ]);
    assert.deepEqual(await stand.states(), { up: '2' });
  });

  test('has a state of its own in the metrics', async () => {
    const [well, ill] = [await faulty(), await faulty()];
    ill.fail = faults['answers with 503'];
    const stand = await new Stand([well.port, ill.port]).start();
    await stand.ask(6);
    assert.deepEqual(await stand.states(), { up: '1', ejected: '1' });
  });

  test('outlives a reload that leaves the server in', async () => {
    const [well, ill] = [await faulty(), await faulty()];
    ill.fail = faults['answers with 503'];
    const stand = await new Stand([well.port, ill.port]).start();
    await stand.ask(6);
    const limits = { connections: 100, waiting: 10 };
    await stand.gateway.reload(stand.config({ limits }));
    assert.equal(await stand.ask(20), 20);
    assert.equal(ill.served, 3);
  });

  test('lets requests that were under way finish', async () => {
    const [well, ill] = [await faulty(), await faulty()];
    const held: Socket[] = [];
    ill.fail = (socket) => held.push(socket);
    const stand = await new Stand([well.port, ill.port]).start();
    const waiting = [stand.ask(1), stand.ask(1)];
    await eventually(
      () => held.length,
      (count) => count === 1,
    );
    ill.fail = faults['answers with 503'];
    await stand.ask(6);
    assert.notEqual((await stand.servers())[1]?.ejected, null);
    held[0]?.write(FULL);
    assert.deepEqual(await Promise.all(waiting), [1, 1]);
  });

  test('never empties an upstream: requests go on to servers that fail', async () => {
    const all = [await faulty(), await faulty(), await faulty()];
    for (const one of all) one.fail = faults['answers with 503'];
    const stand = await new Stand(all.map(({ port }) => port)).start();
    await stand.ask(60);
    const ejected = (await stand.servers()).filter((one) => one.ejected !== null);
    assert.equal(ejected.length, 1);
    assert.equal(
      all.reduce((sum, { served }) => sum + served, 0),
      60,
    );
  });
});
