import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findProgram } from '../../../../bench/programs.ts';
import { Authority } from '../../../support/authority.ts';
import { eventually, startGateway, type TestGateway, testBearer } from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';
import { needs } from '../../../support/programs.ts';
import { Responder } from '../../../support/responder.ts';
import { certificateConfig, clientCertificates, tlsConfig } from '../../../support/tls.ts';

/** Exit codes of curl: its manual. */
const CANNOT_CONNECT = 35;
const NOT_TRUSTED = 60;
const NO_VALID_STAPLE = 91;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-curl-'));
const at = (name: string): string => join(folder, name);
const root = new Authority('root');
const client = root.issue({ cn: 'client' });
for (const [name, text] of Object.entries({
  'ca.pem': root.cert,
  'other.pem': new Authority('other').cert,
  'client.pem': client.cert + client.key,
})) {
  writeFileSync(at(name), text);
}

/** Runs curl with these options; the output has the version of HTTP and the status before the body. */
function curl(
  port: number,
  ...options: string[]
): Promise<{ readonly code: number; readonly output: string }> {
  const args = [
    ...['--silent', '--show-error', '--max-time', '30', '--cacert', at('ca.pem')],
    ...['--connect-to', `::127.0.0.1:${port}`, '--write-out', ' %{http_version} %{http_code}'],
    ...['--header', `Authorization: ${testBearer()}`, ...options],
  ];
  return new Promise((done) =>
    execFile(findProgram('curl') as string, [...args, 'https://site.example/x'], (error, stdout) =>
      done({ code: Number(error?.code ?? 0), output: stdout }),
    ),
  );
}

describe('curl over TLS', needs('curl'), () => {
  let origin: Origin;
  let responder: Responder;
  let gateway: TestGateway;
  before(async () => {
    origin = await Origin.start();
    origin.serve((head) => {
      const proto = /x-forwarded-proto: (.*)\r/i.exec(head)?.[1] ?? 'none';
      return `HTTP/1.1 200 OK\r\nContent-Length: ${proto.length}\r\n\r\n${proto}`;
    });
    responder = await Responder.start();
    const issued = root.issue({ cn: 'site', names: ['site.example'], ocsp: responder.url });
    responder.ledger = { authority: root, good: [issued] };
    gateway = await serving(issued);
  });
  after(async () => {
    await gateway.close();
    await origin.close();
    responder.close();
    rmSync(folder, { recursive: true });
  });

  function serving(issued: ReturnType<Authority['issue']>, mtls = false): Promise<TestGateway> {
    const clients = mtls ? { clientCertificates: clientCertificates(root.cert, undefined, 'required') } : {};
    const tls = tlsConfig([certificateConfig(issued, root.cert)], clients);
    return startGateway({
      upstreamPort: origin.port,
      config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }] },
    });
  }

  for (const version of ['1.2', '1.3']) {
    for (const [option, http] of [
      ['--http1.1', '1.1'],
      ['--http2', '2'],
    ] as const) {
      test(`of ${version} with ${option}`, async () => {
        const run = await curl(gateway.port, `--tlsv${version}`, '--tls-max', version, option);
        assert.deepEqual(run, { code: 0, output: `https ${http} 200` });
      });
    }
  }

  test('is not offered TLS 1.1, and trusts no other authority', async () => {
    assert.equal((await curl(gateway.port, '--tls-max', '1.1')).code, CANNOT_CONNECT);
    assert.equal((await curl(gateway.port, '--cacert', at('other.pem'))).code, NOT_TRUSTED);
  });

  test('verifies the OCSP response, and misses it where there is none', async (t) => {
    await eventually(
      () => curl(gateway.port, '--cert-status'),
      ({ code }) => code === 0,
    );
    const bare = await serving(root.issue({ cn: 'site', names: ['site.example'] }));
    t.after(() => bare.close());
    assert.equal((await curl(bare.port, '--cert-status')).code, NO_VALID_STAPLE);
    assert.equal((await curl(bare.port)).code, 0);
  });

  test('shows its certificate where one is required', async (t) => {
    const own = await serving(root.issue({ cn: 'site', names: ['site.example'] }), true);
    t.after(() => own.close());
    for (const http of ['--http1.1', '--http2']) {
      assert.equal((await curl(own.port, http, '--cert', at('client.pem'))).code, 0, http);
      assert.notEqual((await curl(own.port, http)).code, 0, http);
    }
  });
});
