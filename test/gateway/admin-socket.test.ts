import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Wire } from '../support/wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const path = join(folder, 'admin.sock');
let gateway: TestGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});
after(() => rmSync(folder, { recursive: true }));

const start = async (): Promise<TestGateway> =>
  startGateway({ upstreamPort: 1, config: { admin: { path, hosts: ['gateway.internal'] } } });

async function status(host: string): Promise<number> {
  const wire = await Wire.openUnix(path);
  wire.send(`GET /status HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const reply = await wire.response();
  wire.close();
  return reply.status;
}

test('the admin address may be a unix socket, for its user and group', async () => {
  gateway = await start();
  assert.equal(gateway.gateway.addresses.admin, `unix:${path}`);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  assert.deepEqual(readdirSync(folder), ['admin.sock']);
  assert.equal(await status('localhost'), 200);
  assert.equal(await status('gateway.internal'), 200);
  assert.equal(await status('evil.example'), 421);
  await gateway.close();
  gateway = undefined;
  assert.deepEqual(readdirSync(folder), []);
});

test('another gateway, or another file, keeps its path', async () => {
  gateway = await start();
  await assert.rejects(start(), {
    name: 'StartError',
    message: /^cannot listen on unix:.*another process listens there/,
  });
  assert.equal(await status('localhost'), 200);
  await gateway.close();
  gateway = undefined;
  writeFileSync(path, 'no socket');
  await assert.rejects(start(), {
    name: 'StartError',
    message: /^cannot listen on unix:.*something that is no socket/,
  });
  rmSync(path);
  assert.deepEqual(readdirSync(folder), []);
});

test('a folder that is missing is named', async () => {
  const config = { admin: { path: join(folder, 'none', 'admin.sock'), hosts: [] } };
  await assert.rejects(startGateway({ upstreamPort: 1, config }), {
    name: 'StartError',
    message: /^cannot listen on unix:.*none\/admin\.sock: its folder does not exist; make it$/,
  });
});
