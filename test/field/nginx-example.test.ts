// Source: operators who put nginx in front: HTTP/1.0 by default, idle connections that the gateway closes first, and lost addresses.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { freePort } from '../../bench/probe.ts';
import { type ConfigObject, createGateway } from '../../src/index.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';

const example = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'nginx-in-front');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const socket = join(folder, 'http.sock');
const key = rsaKey();
const tls = loopbackCertificate();
const running: ChildProcess[] = [];
after(async () => {
  // SIGTERM: nginx ends its worker too.
  for (const child of running) if (child.kill('SIGTERM')) await once(child, 'exit');
  rmSync(folder, { recursive: true });
});

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });

/** Runs the site of the example with a certificate, a port and a socket of this test. */
async function startNginx(): Promise<number> {
  const port = await freePort();
  writeFileSync(join(folder, 'site.pem'), tls.cert);
  writeFileSync(join(folder, 'site.key'), tls.key);
  const replaced = [
    ['unix:/run/portcullis/http.sock', `unix:${socket}`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
    ['/etc/nginx/tls/api.example.com.pem', join(folder, 'site.pem')],
    ['/etc/nginx/tls/api.example.com.key', join(folder, 'site.key')],
  ] as const;
  let site = readFileSync(join(example, 'nginx.conf'), 'utf8');
  for (const [shown, here] of replaced) {
    assert.equal(site.split(shown).length, 2, shown);
    site = site.replace(shown, here);
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder};`,
  );
  const main = join(folder, 'nginx.conf');
  writeFileSync(
    main,
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${temporary.join(' ')}
${site} }`,
  );
  const nginx = spawn('nginx', ['-c', main, '-p', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.push(nginx);
  let said = '';
  nginx.stderr?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await eventually(
    () => {
      assert.equal(nginx.exitCode, null, said);
      return isOpen(port);
    },
    (open) => open,
  );
  return port;
}

interface Response {
  readonly status: number | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

function ask(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, ca: tls.cert, agent: false as const };
    const client = request(
      { ...options, headers: { host: 'api.example.com', ...headers }, checkServerIdentity: () => undefined },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
      },
    );
    client.on('error', reject).end();
  });
}

test(
  'nginx of the example ends TLS, and forwards the path as sent and the address',
  needs('nginx'),
  async () => {
    const service = createServer((message, response) =>
      response.end(JSON.stringify({ path: message.url, ...message.headers })),
    ).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const config = parse(readFileSync(join(example, 'portcullis.yaml'), 'utf8')) as ConfigObject;
    const gateway = createGateway(
      {
        ...config,
        listen: `unix:${socket}`,
        admin: '127.0.0.1:0',
        issuers: { idp: { ...config.issuers?.['idp'], keys: { pem: key.pem } } },
        upstreams: { app: { servers: [`http://127.0.0.1:${(service.address() as AddressInfo).port}`] } },
      },
      { log: silentLog },
    );
    await gateway.start();
    try {
      const port = await startNginx();
      const refused = await ask(port, '/orders', {});
      assert.deepEqual([refused.status, refused.body['code']], [401, 'token_missing']);

      const claims = { iss: 'https://idp.example.com', aud: 'orders', sub: 'u1', exp: secondsFromNow(300) };
      const { status, body } = await ask(port, '/orders/a%2Fb?x=1', {
        authorization: `Bearer ${rs256(key, claims)}`,
        'x-forwarded-for': '203.0.113.9',
        'x-user-id': 'admin',
      });
      assert.equal(status, 200);
      assert.equal(body['path'], '/orders/a%2Fb?x=1');
      assert.equal(body['x-user-id'], 'u1');
      // The headers of nginx, and none of the client.
      assert.equal(body['x-forwarded-for'], '127.0.0.1');
      assert.equal(body['x-forwarded-proto'], 'https');
      assert.equal(body['x-forwarded-host'], 'api.example.com');

      // The path reaches the gateway as sent, so the gateway judges its readings.
      const climbing = await ask(port, '/health/..%2forders', {});
      assert.deepEqual([climbing.status, climbing.body['code']], [400, 'request_malformed']);
    } finally {
      await gateway.close({ grace: 0 });
      service.closeAllConnections();
      service.close();
    }
  },
);
