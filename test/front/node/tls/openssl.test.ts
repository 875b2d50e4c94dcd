import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Protocol, TlsConfig } from '../../../../src/config/config.ts';
import { cipherList } from '../../../../src/keys/tls-context.ts';
import { Authority } from '../../../support/authority.ts';
import { startGateway, type TestGateway } from '../../../support/gateway.ts';
import { sClient } from '../../../support/openssl.ts';
import { needs } from '../../../support/programs.ts';
import { certificateConfig, tlsConfig } from '../../../support/tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-openssl-'));
const authority = join(folder, 'ca.pem');
const root = new Authority('root');
writeFileSync(authority, root.cert);
after(() => rmSync(folder, { recursive: true }));
const ec = certificateConfig(root.issue({ cn: 'ec', names: ['site.example', '127.0.0.1'] }));
const rsa = certificateConfig(root.issue({ cn: 'rsa', names: ['site.example', '127.0.0.1'], type: 'rsa' }));
const wild = certificateConfig(root.issue({ cn: 'wild', names: ['*.wild.example'] }));

/** An older client than OpenSSL is by itself. */
const LAX = '-cipher ALL:@SECLEVEL=0';
const REFUSED = /alert (handshake failure|protocol version|no application protocol|inappropriate fallback)/;

function listenTo(
  certificates: TlsConfig['certificates'],
  rest: Partial<TlsConfig> = {},
  protocols?: readonly Protocol[],
): Promise<TestGateway> {
  const tls = tlsConfig(certificates, rest);
  return startGateway({
    upstreamPort: 9,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls, protocols }] },
  });
}

/** One check each: the options of a client, and what it prints. */
const checks: readonly (readonly [name: string, options: string, printed: RegExp])[] = [
  ['TLS 1.3', '-tls1_3', /New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/],
  ['TLS 1.2', '-tls1_2', /New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/],
  ['TLS 1.1 is refused', `-tls1_1 ${LAX}`, REFUSED],
  ['TLS 1.0 is refused', `-tls1 ${LAX}`, REFUSED],
  ['TLS 1.2 after a failure with 1.3 is refused (RFC 7507)', '-tls1_2 -fallback_scsv', REFUSED],
  ['AES-256 in TLS 1.3', '-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384', /Cipher is TLS_AES_256/],
  ['ChaCha20 in TLS 1.3', '-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256', /Cipher is TLS_CHACHA20/],
  ['CCM in TLS 1.3 is refused', '-tls1_3 -ciphersuites TLS_AES_128_CCM_8_SHA256', REFUSED],
  ['ChaCha20 for a client that prefers it', '-tls1_2 -cipher ECDHE+CHACHA20:ECDHE+AESGCM', /CHACHA20/],
  ['AES-256 in TLS 1.2', '-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384', /Cipher is ECDHE-RSA-AES256/],
  ['suites without forward secrecy are refused', '-tls1_2 -cipher AES128-GCM-SHA256:AES128-SHA', REFUSED],
  ['suites without AEAD are refused', '-tls1_2 -cipher ECDHE+AES:!AESGCM:!AESCCM', REFUSED],
  ['finite-field groups in TLS 1.2 are refused', '-tls1_2 -cipher DHE+AES', REFUSED],
  ['suites without authentication are refused', `-tls1_2 -cipher aNULL:@SECLEVEL=0`, REFUSED],
  ['suites without encryption are refused', `-tls1_2 -cipher eNULL:@SECLEVEL=0`, REFUSED],
  ['SHA-1 signatures are refused', `-tls1_2 ${LAX} -sigalgs RSA+SHA1:ECDSA+SHA1`, REFUSED],
  ['X25519', '-groups X25519', /Server Temp Key: X25519/],
  ['P-256', '-groups P-256', /Server Temp Key: ECDH, (prime256v1|P-256)/],
  ['no compression', '-tls1_2 -comp', /Compression: NONE/],
  ['secure renegotiation is known (RFC 5746)', '-tls1_2', /Secure Renegotiation IS supported/],
  ['extended master secret (RFC 7627)', '-tls1_2', /Extended master secret: yes/],
  ['a session of two hours', '-tls1_2', /session ticket lifetime hint: 7200/],
  ['no early data', '-tls1_3', /Early data was not sent/],
  ['h2 is preferred', '-alpn http/1.1,h2', /ALPN protocol: h2/],
  ['http/1.1 alone', '-alpn http/1.1', /ALPN protocol: http\/1\.1/],
  ['no ALPN', '', /No ALPN negotiated/],
  ['another protocol is refused (RFC 7301)', '-alpn spdy/3', REFUSED],
  ['no certificate of the client is asked for', '', /No client certificate CA names sent/],
  ['no staple without a responder', '-status', /OCSP response: no response sent/],
  ['an exact name', '-servername SITE.example', /subject=CN = ec/],
  ['a wildcard', '-servername a.wild.example', /subject=CN = wild/],
  ['a wildcard for one label only', '-servername a.b.wild.example', /subject=CN = ec/],
  ['an unknown name', '-servername nowhere.example', /subject=CN = ec/],
  ['RSA for a client without ECDSA', '-servername site.example -sigalgs RSA-PSS+SHA256', /subject=CN = rsa/],
  ['RSA by the suites of TLS 1.2', '-tls1_2 -cipher ECDHE+aRSA', /subject=CN = rsa/],
  ['the whole is verified', `-verify_return_error -verify_ip 127.0.0.1`, /Verify return code: 0 \(ok\)/],
];

describe('openssl s_client', { ...needs('openssl'), concurrency: 4 }, () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await listenTo([ec, rsa, wild]);
  });
  after(() => gateway.close());

  for (const [name, options, printed] of checks) {
    test(name, async () => {
      const { code, output } = await sClient(gateway.port, `${options} -CAfile ${authority}`);
      assert.match(output, printed);
      assert.equal(code, printed === REFUSED ? 1 : 0, output);
    });
  }

  test('does not get another handshake on an open connection', async () => {
    const { output } = await sClient(gateway.port, '-tls1_2', 'R\n', /Extended master secret/);
    assert.match(output, /RENEGOTIATING/);
    assert.match(output, /:no renegotiation:/);
  });

  test('gets TLS 1.3 alone where the address has it as the oldest version', async (t) => {
    const own = await listenTo([ec], { minVersion: 'TLSv1.3' });
    t.after(() => own.close());
    assert.match((await sClient(own.port, '-tls1_2')).output, REFUSED);
    assert.equal((await sClient(own.port, '-tls1_3')).code, 0);
  });

  test('gets the suites of the configuration, and never those without encryption or authentication', async (t) => {
    const list = cipherList('ALL:COMPLEMENTOFALL');
    assert.ok('ciphers' in list);
    const own = await listenTo([ec, rsa], { ciphers: list.ciphers });
    t.after(() => own.close());
    assert.match(
      (await sClient(own.port, '-tls1_2 -cipher AES128-SHA')).output,
      /New, .*, Cipher is AES128-SHA/,
    );
    for (const suites of ['aNULL', 'eNULL', 'PSK', '3DES:RC4']) {
      const { code, output } = await sClient(own.port, `-tls1_2 -cipher ${suites}:@SECLEVEL=0`);
      assert.equal(code, 1, `${suites}: ${output}`);
    }
  });

  test('gets the protocols of the address, and no certificate for an unknown name where that is refused', async (t) => {
    const own = await listenTo([ec, wild], { unknownName: 'refuse' }, ['http/1.1']);
    t.after(() => own.close());
    const named = await sClient(own.port, '-servername b.wild.example -alpn h2,http/1.1');
    assert.match(named.output, /subject=CN = wild/);
    assert.match(named.output, /ALPN protocol: http\/1\.1/);
    assert.match((await sClient(own.port, '-servername site.example -alpn h2')).output, REFUSED);
    const unknown = await sClient(own.port, '-servername nowhere.example');
    assert.match(unknown.output, /no peer certificate available/);
    assert.equal(unknown.code, 1);
  });
});
