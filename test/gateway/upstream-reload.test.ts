import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { configOf } from '../config/check.ts';
import { Authority } from '../support/authority.ts';
import { silentLog } from '../support/gateway.ts';
import { answer, tlsOrigin } from '../support/upstream-tls.ts';
import { request } from '../support/wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-reload-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function start(config: Config): Promise<LocalGateway> {
  const gateway = createGateway(config, { log: silentLog, acceptVulnerableNode: true });
  await gateway.start();
  open.push(() => gateway.close({ graceMs: 0 }));
  return gateway;
}

const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));
const get = (gateway: LocalGateway) =>
  request(portOf(gateway.addresses.listen[0]), 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

/** What `/status` says of the one upstream server. */
async function serverOf(gateway: LocalGateway): Promise<Record<string, unknown>> {
  const { body } = await request(
    portOf(gateway.addresses.admin),
    'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  return JSON.parse(body).upstreams[0].servers[0];
}

const fileOf = (port: number, tls: string, more = ''): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: none
upstream: app
${more}
upstreams: { app: { servers: ["https://127.0.0.1:${port}"], tls: { ${tls} } } }
`;

test('a reload reads the authorities of upstream again', async () => {
  const [before, now] = [new Authority('before'), new Authority('now')];
  const origin = await tlsOrigin(now.issue({ names: ['127.0.0.1'] }), answer);
  open.push(() => origin.close());
  const text = fileOf(origin.port, `ca: ${file('ca.pem', before.cert)}`);
  const gateway = await start(configOf(text));
  assert.equal((await get(gateway)).status, 502);
  assert.equal((await serverOf(gateway))['cause'], 'certificate_untrusted');
  file('ca.pem', now.cert);
  await gateway.reload(configOf(text));
  assert.equal((await get(gateway)).status, 200);
});

test('a reload reads the certificate of the gateway again', async () => {
  const [site, clients] = [new Authority('site'), new Authority('clients')];
  const subjects: unknown[] = [];
  const origin = await tlsOrigin(
    { ...site.issue({ names: ['127.0.0.1'] }), ca: clients.cert, requestCert: true },
    (socket) => {
      subjects.push(socket.getPeerCertificate().subject?.CN);
      answer(socket);
    },
  );
  open.push(() => origin.close());
  const show = (cn: string): string => {
    const { cert, key } = clients.issue({ cn });
    return `ca: ${file('site.pem', site.cert)}, cert: ${file('own.pem', cert)}, key: ${file('own.key', key)}`;
  };
  const gateway = await start(configOf(fileOf(origin.port, show('first'))));
  assert.equal((await get(gateway)).status, 200);
  await gateway.reload(configOf(fileOf(origin.port, show('second'))));
  assert.equal((await get(gateway)).status, 200);
  assert.deepEqual(subjects, ['first', 'second']);
});

test('a reload keeps what requests have found of a server that stays', async () => {
  const [wrong, right] = [new Authority('wrong'), new Authority('right')];
  const origin = await tlsOrigin(right.issue({ names: ['127.0.0.1'] }), answer);
  open.push(() => origin.close());
  const tls = `ca: ${file('wrong.pem', wrong.cert)}`;
  const gateway = await start(configOf(fileOf(origin.port, tls)));
  for (let count = 0; count < 3; count += 1) assert.equal((await get(gateway)).status, 502);
  const before = await serverOf(gateway);
  assert.equal(before['state'], 'down');
  await gateway.reload(configOf(fileOf(origin.port, tls, 'realm: other')));
  const { state, since, cause } = await serverOf(gateway);
  assert.deepEqual([state, since, cause], [before['state'], before['since'], before['cause']]);
});
