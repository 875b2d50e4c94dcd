import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TlsConfig } from '../../../../src/config/config.ts';
import { Authority } from '../../../support/authority.ts';
import { eventually, startGateway, type TestGateway } from '../../../support/gateway.ts';
import { sClient } from '../../../support/openssl.ts';
import { needs } from '../../../support/programs.ts';
import { Responder } from '../../../support/responder.ts';
import { certificateConfig, tlsConfig } from '../../../support/tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-stapling-'));
const authorityFile = join(folder, 'ca.pem');
after(() => rmSync(folder, { recursive: true }));
const root = new Authority('root');
writeFileSync(authorityFile, root.cert);

function listenTo(
  certificates: TlsConfig['certificates'],
  rest: Partial<TlsConfig> = {},
): Promise<TestGateway> {
  const tls = tlsConfig(certificates, rest);
  return startGateway({
    upstreamPort: 9,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls }] },
  });
}

const status = async (gateway: TestGateway, options = ''): Promise<string> =>
  (await sClient(gateway.port, `-status -CAfile ${authorityFile} -servername site.example ${options}`))
    .output;

describe('the OCSP response beside a certificate', needs('openssl'), () => {
  let responder: Responder;
  before(async () => {
    responder = await Responder.start();
  });
  after(() => responder.close());

  const site = (type: 'ec' | 'rsa' = 'ec') =>
    root.issue({ cn: type, names: ['site.example'], type, ocsp: responder.url });

  test('is what its responder says, in each version of TLS', async (t) => {
    const issued = site();
    responder.ledger = { authority: root, good: [issued] };
    const gateway = await listenTo([certificateConfig(issued, root.cert)]);
    t.after(() => gateway.close());
    await eventually(
      () => status(gateway),
      (seen) => /Cert Status: good/.test(seen),
    );
    for (const version of ['-tls1_2', '-tls1_3']) {
      const output = await status(gateway, version);
      assert.match(output, /OCSP Response Status: successful/);
      assert.match(output, /Response verify OK|Cert Status: good/);
      assert.match(output, /Verify return code: 0/);
    }
  });

  test('is left out while the responder is silent, and no handshake waits for it', async (t) => {
    const issued = site();
    responder.ledger = undefined;
    const before = responder.asked;
    const gateway = await listenTo([certificateConfig(issued, root.cert)]);
    t.after(() => gateway.close());
    await eventually(
      () => responder.asked,
      (asked) => asked > before,
    );
    assert.match(await status(gateway), /OCSP response: no response sent[\s\S]*Verify return code: 0/);
  });

  test('is left out for a revoked certificate, and where the configuration says so', async (t) => {
    const issued = site();
    responder.ledger = { authority: root, revoked: [issued] };
    const revoked = await listenTo([certificateConfig(issued, root.cert)]);
    t.after(() => revoked.close());
    const { gateway } = revoked;
    await eventually(
      () => [...gateway.view.certificates()][0]?.stapling?.lastError ?? '',
      (why) => /says that the certificate is revoked/.test(why),
    );
    assert.match(await status(revoked), /OCSP response: no response sent/);

    const unasked = await Responder.start();
    t.after(() => unasked.close());
    const other = root.issue({ cn: 'other', names: ['site.example'], ocsp: unasked.url });
    const off = await listenTo([certificateConfig(other, root.cert)], { stapling: false });
    t.after(() => off.close());
    assert.match(await status(off), /OCSP response: no response sent/);
    assert.equal([...off.gateway.view.certificates()][0]?.stapling, undefined);
    assert.equal(unasked.asked, 0);
  });

  test('belongs to the certificate that the client gets, where two stand side by side', async (t) => {
    const [ec, rsa] = [site('ec'), site('rsa')];
    responder.ledger = { authority: root, good: [ec, rsa] };
    const gateway = await listenTo([certificateConfig(ec, root.cert), certificateConfig(rsa, root.cert)]);
    t.after(() => gateway.close());
    const serial = (output: string): string => /Serial Number: (\w+)/.exec(output)?.[1] ?? 'none';
    const hex = (number: number): string => number.toString(16).toUpperCase().padStart(2, '0');
    for (const [options, issued] of [
      ['', ec],
      ['-sigalgs RSA-PSS+SHA256', rsa],
    ] as const) {
      const output = await eventually(
        () => status(gateway, options),
        (seen) => serial(seen) !== 'none',
      );
      assert.equal(serial(output), hex(issued.serial), options);
      assert.match(output, new RegExp(`subject=CN = ${issued === ec ? 'ec' : 'rsa'}`));
    }
    // What a client of TLS 1.2 takes depends on its suites too: nothing wrong is sent to it.
    for (const [options, cn] of [
      ['-tls1_2 -cipher ECDHE+aRSA', 'rsa'],
      ['-tls1_2', 'ec'],
    ] as const) {
      assert.match(await status(gateway, options), new RegExp(`no response sent[\\s\\S]*subject=CN = ${cn}`));
    }
  });
});
