import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { claimSocketPath } from '../../../src/front/socket-file.ts';
import { type Engine, type EngineResponse, loadEngine } from '../../../src/front/uws/engine.ts';
import { UwsFront } from '../../../src/front/uws/front.ts';
import { Peers } from '../../../src/front/uws/peers.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CounterFamily } from '../../../src/lib/counters.ts';
import { StartError } from '../../../src/lib/start-error.ts';
import { ConnectionLimit } from '../../../src/limits/connection-limit.ts';
import { eventually, silentLog } from '../../support/gateway.ts';
import { Wire } from '../../support/wire.ts';
import { Events, frontConfig, responseHead } from './fake-response.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';

let folder: string;
let path: string;
let fronts: UwsFront[];
const connections = new ConnectionLimit(100, systemClock, silentLog);

/** A front that responds with its name and the peer. */
async function open(name = 'one', load = loadEngine): Promise<UwsFront> {
  const made = new UwsFront(
    {
      config: frontConfig,
      connections,
      handshakes: new CounterFamily(),
      events: {
        onRequest(stream) {
          stream.listen(new Events());
          const body = Buffer.from(`${name} ${stream.peer()}`);
          setImmediate(() => {
            stream.begin(responseHead('200 OK', { contentLength: body.length }));
            stream.send([body], true);
          });
        },
        onProxyRefused() {},
        onFault(error) {
          throw error;
        },
      },
    },
    load,
  );
  await made.open();
  fronts.push(made);
  return made;
}

async function ask(wire: Wire): Promise<string> {
  wire.send(REQUEST);
  return (await wire.response()).body;
}

async function askAt(at: string): Promise<string> {
  const wire = await Wire.openUnix(at);
  try {
    return await ask(wire);
  } finally {
    wire.close();
  }
}

async function stranger(at: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(at);
  await once(server, 'listening');
  return server;
}

/** A socket at `at` on which no process listens any more. */
async function deadSocket(at: string): Promise<void> {
  const server = await stranger(`${at}.elsewhere`);
  // The engine removes it by its name.
  renameSync(`${at}.elsewhere`, at);
  server.close();
  await once(server, 'close');
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  path = join(folder, 'http.sock');
  fronts = [];
});

afterEach(async () => {
  for (const one of fronts) one.close();
  await eventually(
    () => connections.open,
    (open) => open === 0,
  );
  rmSync(folder, { recursive: true });
});

const alone = { shared: false };
const shared = { shared: true };

describe('a unix socket', () => {
  test('serves, has access for user and group only, and leaves nothing behind', async () => {
    const one = await open();
    assert.equal(await one.listen({ path }, alone), `unix:${path}`);
    assert.equal((lstatSync(path).mode & 0o777).toString(8), '660');
    assert.deepEqual(readdirSync(folder), ['http.sock']);
    assert.equal(await askAt(path), 'one unix');
    one.stopListening();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('ends alone, and may come again', async () => {
    const one = await open();
    const other = join(folder, 'other.sock');
    await one.listen({ path }, alone);
    await one.listen({ path: other }, alone);
    const wire = await Wire.openUnix(path);
    await ask(wire);
    one.unlisten({ path });
    one.unlisten({ path });
    assert.deepEqual(readdirSync(folder), ['other.sock']);
    assert.equal(await ask(wire), 'one unix');
    wire.close();
    assert.equal(await askAt(other), 'one unix');
    await one.listen({ path }, alone);
    assert.equal(await askAt(path), 'one unix');
  });

  test('may have the longest path that the configuration allows', async () => {
    const long = join(folder, 'a'.repeat(100 - folder.length - 1));
    assert.equal(long.length, 100);
    await (await open()).listen({ path: long }, alone);
    assert.equal(await askAt(long), 'one unix');
  });

  test('replaces a dead one', async () => {
    await deadSocket(path);
    await (await open()).listen({ path }, alone);
    assert.equal(await askAt(path), 'one unix');
  });

  test('counts among the connections', async () => {
    const one = await open();
    await one.listen({ path }, alone);
    const address = await one.listen({ host: '127.0.0.1', port: 0 }, alone);
    const wires = [await Wire.openUnix(path), await Wire.open(Number(address.split(':')[1]))];
    assert.deepEqual(await Promise.all(wires.map(ask)), ['one unix', 'one 127.0.0.1']);
    assert.equal(connections.open, 2);
    for (const wire of wires) wire.close();
  });

  test('ends by itself when its front stops before it is ready', async () => {
    const one = await open();
    const listening = one.listen({ path }, alone);
    one.close();
    await assert.rejects(listening, /the gateway is shutting down/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('a path', () => {
  for (const options of [alone, shared]) {
    test(`with another kind of file is left unchanged, ${options.shared ? 'shared' : 'alone'}`, async () => {
      writeFileSync(path, 'precious');
      const directory = join(folder, 'directory');
      mkdirSync(directory);
      await deadSocket(join(folder, 'dead'));
      const link = join(folder, 'link');
      symlinkSync('dead', link);
      for (const at of [path, directory, link]) {
        await assert.rejects((await open()).listen({ path: at }, options), {
          name: 'StartError',
          message: `cannot listen on unix:${at}: something that is no socket has this name; remove it or choose another path`,
        });
      }
      assert.equal(readFileSync(path, 'utf8'), 'precious');
      assert.deepEqual(readdirSync(folder), ['dead', 'directory', 'http.sock', 'link']);
    });
  }

  test('at which another process listens is refused', async () => {
    const server = await stranger(path);
    const message = `cannot listen on unix:${path}: another process listens there; stop it or choose another path`;
    await assert.rejects((await open()).listen({ path }, alone), { name: 'StartError', message });
    await assert.rejects(claimSocketPath(path), { name: 'StartError', message });
    assert.deepEqual(readdirSync(folder), ['http.sock']);
    server.close();
    await once(server, 'close');
    await claimSocketPath(path);
    await deadSocket(path);
    await claimSocketPath(path);
    assert.equal(existsSync(path), true);
  });

  test('that cannot be used gives an error with the remedy', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const [at, message] of [
      [join(folder, 'no', 'x'), /: its folder does not exist; make it$/],
      [join(folder, 'file', 'x'), /: its folder is none; choose another path$/],
      ['/proc/x', /(?:;| or) choose another path$/],
    ] as const) {
      await assert.rejects((await open()).listen({ path: at }, alone), (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

describe('a replacement', () => {
  test('takes over, and the end of the old socket does not touch it', async () => {
    const old = await open('old');
    await old.listen({ path }, alone);
    const wire = await Wire.openUnix(path);
    assert.equal(await ask(wire), 'old unix');
    await (await open('new')).listen({ path }, shared);
    assert.equal((lstatSync(path).mode & 0o777).toString(8), '660');
    assert.equal(await askAt(path), 'new unix');
    assert.equal(await ask(wire), 'old unix');
    old.stopListening();
    assert.equal(await ask(wire), 'old unix');
    old.close();
    assert.equal(await askAt(path), 'new unix');
    assert.deepEqual(readdirSync(folder), ['http.sock']);
  });

  test('is made beside the old one, which exists until then', async () => {
    await (await open('old')).listen({ path }, alone);
    const { ino } = lstatSync(path);
    const engine = loadEngine(16 * 1024);
    const seen: number[] = [];
    const watched: Engine = {
      ...engine,
      App: () => {
        const app = engine.App();
        const listen = app.listen_unix.bind(app);
        app.listen_unix = (done, at) =>
          listen((token) => {
            seen.push(lstatSync(path).ino);
            done(token);
          }, at);
        return app;
      },
    };
    await (await open('new', () => watched)).listen({ path }, shared);
    assert.deepEqual(seen, [ino]);
    assert.equal(await askAt(path), 'new unix');
  });

  test('receives every client that connects during the change', async () => {
    const responses = new Set<string>();
    let going = true;
    let count = 0;
    await (await open('0')).listen({ path }, alone);
    const client = async (): Promise<void> => {
      while (going) {
        responses.add(await askAt(path));
        count += 1;
      }
    };
    const clients = Promise.all([client(), client(), client()]);
    for (let turn = 1; turn <= 20; turn += 1) {
      const before = count;
      const next = await open(String(turn));
      await next.listen({ path }, shared);
      await eventually(
        () => count,
        (seen) => seen > before + 5,
      );
      // After the turn in which the engine has accepted all waiting clients.
      await new Promise((resolve) => setImmediate(resolve));
      fronts[turn - 1]?.stopListening();
    }
    going = false;
    await clients;
    assert.equal(responses.size, 21);
  });

  test('that is removed itself leaves the path to the next', async () => {
    const old = await open('old');
    await old.listen({ path }, alone);
    const next = await open('next');
    await next.listen({ path }, shared);
    next.stopListening();
    old.stopListening();
    assert.deepEqual(readdirSync(folder), []);
    await (await open('last')).listen({ path }, shared);
    assert.equal(await askAt(path), 'last unix');
  });
});

test('a TCP peer whose address is lost is not taken for a peer of a unix socket', () => {
  const response = { getRemoteAddress: () => new ArrayBuffer(0) } as EngineResponse;
  const peers = new Peers();
  peers.onConnection(1, response);
  assert.equal(peers.addressOf(response), undefined);
});

test('the engine makes a socket for this user only, so the group has no access before the mode is set', () => {
  const engine = loadEngine(16 * 1024);
  let mode = 0;
  engine.App().listen_unix((token) => {
    mode = lstatSync(path).mode & 0o777;
    engine.us_listen_socket_close(token);
  }, path);
  assert.equal(mode.toString(8), '700');
});
