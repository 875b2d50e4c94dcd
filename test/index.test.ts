import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ConfigError, type ConfigObject, createGateway, type Log, StartError } from '../src/index.ts';
import { rs256, rsaKey, secondsFromNow } from './support/tokens.ts';

const root = join(import.meta.dirname, '..', '..');
const built = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const servers: Server[] = [];
after(() => {
  rmSync(folder, { recursive: true });
  for (const server of servers) server.close();
});

const key = rsaKey();
const pem = relative(process.cwd(), join(folder, 'key.pem'));
writeFileSync(join(folder, 'key.pem'), key.pem);
const token = rs256(key, { iss: 'acme', aud: 'orders', exp: secondsFromNow(300) });
process.env['PORTCULLIS_TEST_HOST'] = '127.0.0.1';
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

function config(upstreamPort: number, more: ConfigObject = {}): ConfigObject {
  return {
    listen: `\${PORTCULLIS_TEST_HOST}:0`,
    admin: '127.0.0.1:0',
    upstream: `http://127.0.0.1:${upstreamPort}`,
    issuers: { acme: { issuer: 'acme', audience: 'orders', algorithms: ['RS256'], keys: { pem } } },
    ...more,
  };
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('the library', () => {
  test('guards a service in the process that embeds it', async () => {
    const service = createServer((request, response) => response.end(request.url));
    const gateway = createGateway(config(await listening(service)), { log: silent });
    await gateway.start();
    try {
      const [address] = gateway.addresses.listen;
      const refused = await fetch(`http://${address}/orders`);
      assert.equal(refused.status, 401);
      assert.equal(((await refused.json()) as { code: unknown }).code, 'token_missing');
      const accepted = await fetch(`http://${address}/orders`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.deepEqual([accepted.status, await accepted.text()], [200, '/orders']);
      assert.equal((await fetch(`http://${gateway.addresses.admin}/readyz`)).status, 200);
    } finally {
      await gateway.close({ grace: 0 });
    }
  });

  test('close waits for exchanges in flight and reports those it had to cut', async () => {
    const held: ServerResponse[] = [];
    const service = createServer((_, response) => held.push(response));
    const port = await listening(service);
    for (const [grace, cut] of [
      ['10s', 0],
      [1, 1],
    ] as const) {
      const gateway = createGateway(config(port, { auth: 'none' }), { log: silent });
      await gateway.start();
      const arrived = once(service, 'request');
      const outcome = fetch(`http://${gateway.addresses.listen[0]}/`).then(async (response) =>
        response.ok ? response.text() : ((await response.json()) as { code: string }).code,
      );
      await arrived;
      const closed = gateway.close({ grace });
      if (cut === 0) held.pop()?.end('whole');
      assert.equal(await closed, cut);
      assert.equal(await outcome, cut === 0 ? 'whole' : 'draining');
    }
    service.closeAllConnections();
  });

  test('names every fault of a configuration, and no secret', () => {
    const faulty: unknown = { listen: 1, issuers: { a: { keys: { secret: 'hunter2' } } }, colour: 'red' };
    assert.throws(
      () => createGateway(faulty as ConfigObject),
      (error) => {
        assert.ok(error instanceof ConfigError);
        const paths = error.faults.map(({ path }) => path);
        for (const path of ['listen', 'colour', 'issuers.a.issuer', 'routes']) {
          assert.ok(paths.includes(path), `${path} in ${paths}`);
          assert.match(error.message, new RegExp(`^config: ${path}: .+; must be `, 'm'));
        }
        assert.doesNotMatch(error.message + JSON.stringify(error.faults), /hunter2/);
        return true;
      },
    );
  });

  test('logs a warning for each check that is switched off', () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (_: object, message: string) => warnings.push(message) };
    const issuer = { issuer: 'acme', audience: 'any', algorithms: ['RS256'], keys: { pem } };
    createGateway(config(9, { issuers: { acme: issuer } }), { log });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^config: issuers\.acme\.audience: any: /);
  });

  test('rejects when a port is taken, and leaves nothing open', async () => {
    const taken = createTcpServer();
    const gateway = createGateway(config(9, { listen: `127.0.0.1:${await listening(taken)}` }), {
      log: silent,
    });
    await assert.rejects(gateway.start(), StartError);
    assert.match(gateway.addresses.admin, /:\d+$/);
    await assert.rejects(fetch(`http://${gateway.addresses.admin}/healthz`));
    await gateway.close();
  });

  test('reload takes another object, and a faulty one changes nothing', async () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (_: object, message: string) => warnings.push(message) };
    const gateway = createGateway(config(9, { realm: 'one' }), { log });
    await gateway.start();
    const realm = async (): Promise<string | null> =>
      (await fetch(`http://${gateway.addresses.listen[0]}/`)).headers.get('www-authenticate');
    assert.equal(await realm(), 'Bearer realm="one"');
    const faulty = config(9, { realm: 'two', colour: 'red' } as ConfigObject);
    await assert.rejects(gateway.reload(faulty), (error) => error instanceof ConfigError);
    await assert.rejects(gateway.reload(config(9, { realm: 'two', admin: '127.0.0.1:1' })), StartError);
    assert.equal(await realm(), 'Bearer realm="one"');
    const issuer = { issuer: 'acme', audience: 'any', algorithms: ['RS256'], keys: { pem } };
    await gateway.reload(config(9, { realm: 'two', issuers: { acme: issuer } }));
    assert.equal(await realm(), 'Bearer realm="two"');
    assert.equal(warnings.length, 1);
    await gateway.close();
    await assert.rejects(gateway.reload(config(9)), StartError);
  });

  test('a close ends a start in progress, and is final', async () => {
    const gateway = createGateway(config(9), { log: silent });
    const started = gateway.start();
    await gateway.close({ grace: 0 });
    await started;
    await assert.rejects(fetch(`http://${gateway.addresses.listen[0]}/`));
    await assert.rejects(gateway.start(), /has been closed/);
  });

  test('refuses a grace that is no duration', async () => {
    const gateway = createGateway(config(9), { log: silent });
    for (const grace of ['soon', '5', -1, Number.NaN, 2 ** 31]) {
      await assert.rejects(gateway.close({ grace }), RangeError);
    }
    await gateway.close();
  });

  test('has declarations that a strict program compiles against', async () => {
    const consumer = join(folder, 'consumer');
    const installed = join(consumer, 'node_modules', 'portcullis');
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'package.json'), readFileSync(join(root, 'package.json')));
    symlinkSync(built, join(installed, 'dist'));
    const good = `
      import { ConfigError, createGateway, type ConfigObject, type Gateway } from 'portcullis';
      const config: ConfigObject = { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:9', auth: 'none' };
      export const gateway: Gateway = createGateway(config);
      export const cut: Promise<number> = gateway.start().then(() => gateway.close({ grace: '5s' }));
      export const other: Promise<void> = gateway.reload({ ...config, realm: 'other' });
      export const first: string | undefined = gateway.addresses.listen[0];
      export const paths = (error: unknown) =>
        error instanceof ConfigError ? error.faults.map((fault): string => fault.path) : [];
    `;
    const bad = `
      import { createGateway } from 'portcullis';
      createGateway({ listen: 8080 });
      createGateway({ rejection: 'nginx' });
      createGateway({}).close({ grace: true });
      createGateway({}).reconfigure({});
    `;
    writeFileSync(join(consumer, 'good.ts'), good);
    writeFileSync(join(consumer, 'bad.ts'), bad);
    const options = { strict: true, module: 'nodenext', target: 'es2023', noEmit: true, types: [] };
    const files = ['good.ts', 'bad.ts'];
    writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
    const compiler = join(root, 'node_modules', '.bin', 'tsc');
    const { stdout } = await promisify(execFile)(compiler, ['-p', consumer, '--pretty', 'false'], {
      cwd: consumer,
    }).catch((error: { stdout: string }) => error);
    const places = stdout.match(/^\S+?\(\d+,\d+\): error TS\d+/gm) ?? [];
    const expected = [
      '3,23): error TS2322',
      '4,23): error TS2322',
      '5,33): error TS2322',
      '6,25): error TS2339',
    ];
    assert.deepEqual(
      places,
      expected.map((place) => `bad.ts(${place}`),
      stdout,
    );
  });
});
