import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from './program.ts';

const fixtures = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'config');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
copyFileSync(join(fixtures, 'public-key.pem'), join(folder, 'key.pem'));

function write(name: string, lines: Readonly<Record<string, string>>): string {
  const file = join(folder, name);
  const all = {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    upstream: 'http://127.0.0.1:9',
    auth: 'none',
    ...lines,
  };
  writeFileSync(file, JSON.stringify(all));
  return file;
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly address?: string;
  readonly engine?: string;
  readonly reason?: string;
}

const linesOf = (stdout: string): readonly Line[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const READY = /"message":"ready"/;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`start prints its addresses, is ready, and ends with 0 on ${signal}`, async () => {
    const { child, ended, printed } = start(['start', '--config', write('start.yaml', {})]);
    const lines = linesOf(await printed(READY));
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['info', 'listening for traffic'],
        ['info', 'listening for health, metrics and status'],
        ['info', 'serving'],
        ['info', 'ready'],
      ],
    );
    // Which engine `auto` is depends on the machine; the line says why in both cases.
    assert.match(
      `${lines[0]?.engine} ${lines[0]?.reason}`,
      /^(uws auto|node (no|the) uWebSockets\.js binary .+)$/,
    );
    for (const { address } of lines.slice(0, 2)) {
      const socket = connect(Number(address?.split(':')[1]), '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    }
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(
      linesOf(stdout)
        .slice(4)
        .map(({ message }) => message),
      ['stopping', 'stopped'],
    );
  });
}

test('a request in flight delays the end until the second signal', async () => {
  let arrived: () => void = () => {};
  const inFlight = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const upstream = createServer(() => arrived()).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const file = write('second.yaml', { upstream: `http://127.0.0.1:${port}` });
  const { child, ended, printed } = start(['start', '--config', file]);
  const [listening] = linesOf(await printed(READY));
  const waiting = request(`http://${listening?.address}/`).end();
  const broken = once(waiting, 'error');
  await inFlight;
  child.kill('SIGTERM');
  await printed(/"message":"stopping"/);
  child.kill('SIGINT');
  assert.equal((await ended).code, 130);
  await broken;
  upstream.closeAllConnections();
  upstream.close();
});

test('warnings are logged before anything listens', async () => {
  const file = join(folder, 'warn.yaml');
  writeFileSync(
    file,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: http://127.0.0.1:9
issuers: { app: { issuer: x, audience: y, expiry: optional, algorithms: [RS256], keys: { pem: key.pem } } }
`,
  );
  const { child, ended, printed } = start(['start', '--config', file]);
  const [first] = linesOf(await printed(READY));
  assert.equal(first?.level, 'warn');
  assert.match(first?.message ?? '', /issuers\.app\.expiry: optional: tokens without exp are accepted/);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('a port that is taken ends with 69 and one sentence', async () => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  for (const key of ['admin', 'listen']) {
    const { code, stdout, stderr } = await run([
      'start',
      '--config',
      write('taken.yaml', { [key]: address }),
    ]);
    assert.deepEqual([code, stdout], [69, ''], key);
    assert.ok(stderr.startsWith('portcullis: ') && stderr.includes(address), stderr);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
  taken.close();
});

test('an internal error ends with 70 and its description', async () => {
  const crash = "process.once('SIGUSR2', () => { throw new Error('made up') })";
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(crash)}` };
  const { child, ended, printed } = start(['start', '--config', write('crash.yaml', {})], { env });
  await printed(READY);
  child.kill('SIGUSR2');
  const { code, stderr } = await ended;
  assert.equal(code, 70);
  assert.match(stderr, /^portcullis: internal fault: Error: made up\n/);
});
