// Source: runs of whole programs: ab speaks HTTP/1.0, nc ends its half behind the request, curl loses early HTTP/2 replies.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Authority } from '../support/authority.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { certificateConfig, tlsConfig } from '../support/tls.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
/** Requests of one run of ab, and its connections at a time. */
const REQUESTS = 200;
const CONNECTIONS = 8;
/** Uploads one after another, each of which must get its reply. */
const OFTEN = 8;

const certificate = certificateConfig(new Authority('root').issue({ cn: 'site', names: ['site.example'] }));
let origin: Origin;
let plain: TestGateway;
let secure: TestGateway;

before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const open = { auth: 'none' } as const;
  const guarded = { name: 'guarded', match: { host: undefined, path: '/guarded', methods: undefined } };
  const start = (tls?: ReturnType<typeof tlsConfig>): Promise<TestGateway> =>
    startGateway({
      upstreamPort: origin.port,
      routes: [open, guarded],
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', ...(tls && { tls }) }] },
    });
  plain = await start();
  secure = await start(tlsConfig([certificate]));
});

after(async () => {
  await plain.close();
  await secure.close();
  await origin.close();
});

describe('ab', needs('ab'), () => {
  for (const [name, flags, kept] of [
    ['with a connection for each request', [], 0],
    ['with connections that it asks to keep', ['-k'], REQUESTS],
  ] as const) {
    test(name, async () => {
      const url = `http://127.0.0.1:${plain.port}/x`;
      const { stdout } = await run('ab', [...flags, '-q', '-n', `${REQUESTS}`, '-c', `${CONNECTIONS}`, url]);
      const figure = (label: string): number =>
        Number(new RegExp(`^${label}:\\s+(\\d+)`, 'm').exec(stdout)?.[1] ?? 0);
      assert.deepEqual(
        ['Complete requests', 'Failed requests', 'Non-2xx responses', 'Keep-Alive requests'].map(figure),
        [REQUESTS, 0, 0, kept],
      );
    });
  }
});

describe('nc, which ends its half behind the request', needs('nc'), () => {
  for (const [name, request] of [
    ['a GET', 'GET /x HTTP/1.1\\r\\nHost: a.example\\r\\n\\r\\n'],
    ['a POST', 'POST /x HTTP/1.1\\r\\nHost: a.example\\r\\nContent-Length: 2\\r\\n\\r\\nhi'],
  ] as const) {
    test(`gets the response to ${name}, and then the end`, async () => {
      const { stdout } = await run('sh', ['-c', `printf '${request}' | nc -N 127.0.0.1 ${plain.port}`]);
      // The response says that it closes only if the end has come before it.
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/);
    });
  }
});

describe('curl gets the refusal of a large upload', needs('curl'), () => {
  for (const [name, flags, url] of [
    ['by HTTP/1.1', ['--http1.1'], () => `http://127.0.0.1:${plain.port}/guarded`],
    ['by HTTP/1.1 over TLS', ['--http1.1'], () => `https://127.0.0.1:${secure.port}/guarded`],
    ['by HTTP/2', ['--http2'], () => `https://127.0.0.1:${secure.port}/guarded`],
  ] as const) {
    for (const [how, header] of [
      ['that waits for 100', 'Expect: 100-continue'],
      ['that waits for nothing', 'Expect:'],
    ] as const) {
      test(`${name}, ${how}`, async () => {
        const command = ['curl', '-sS', '-k', ...flags, '-H', `'${header}'`, '-o', '/dev/null'];
        const upload = `head -c ${20 * MIB} /dev/zero | ${command.join(' ')} -w '%{http_code}' -T - ${url()}`;
        for (let turn = 0; turn < OFTEN; turn += 1) {
          assert.equal((await run('sh', ['-c', upload])).stdout, '401');
        }
      });
    }
  }
});
