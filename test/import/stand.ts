import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../bench/probe.ts';
import { listFolder, readOther } from '../../src/cli/import.ts';
import { parseConfig } from '../../src/config/load.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { type Imported, importHaproxy } from '../../src/import/haproxy.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { silentLog } from '../support/gateway.ts';
import { type Haproxy, startHaproxyFile } from '../support/haproxy.ts';
import { tlsPorts } from '../support/tls-ports.ts';
import { rsaKey, type TestKey } from '../support/tokens.ts';
import { LabelledServers } from './labelled-servers.ts';

/** Variables that the files name. */
const env = { SHOP_PREFIX: '/shop', APP_HOST: '127.0.0.1', TENANT: 'blue' };

/** Real HAProxy with a file, and a gateway with the imported one, before the same servers. */
export class Stand {
  readonly key: TestKey = rsaKey();
  readonly #servers = new LabelledServers();
  readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-import-'));

  constructor() {
    const site = loopbackCertificate();
    writeFileSync(join(this.folder, 'pubkey.pem'), this.key.pem);
    writeFileSync(join(this.folder, 'site.pem'), `${site.cert}${site.key}`);
    writeFileSync(join(this.folder, 'hosts.map'), '# tenants\nred.example.com red\nblue.example.com blue\n');
  }

  /** The text with its placeholders filled: `@PORT@` and `@PORT2@` are addresses, `@name@` ports of servers, `@DIR@` a folder. */
  async fill(text: string, port: number, second: number): Promise<string> {
    let filled = text
      .replaceAll('@PORT@', String(port))
      .replaceAll('@PORT2@', String(second))
      .replaceAll('@DIR@', this.folder);
    for (const [whole, label] of text.matchAll(/@([a-z][a-z0-9-]*)@/g)) {
      filled = filled.replaceAll(whole, String(await this.#servers.port(label as string)));
    }
    return filled;
  }

  /** What the import makes of a filled text. */
  import(text: string): Imported {
    return importHaproxy({ text, file: 'haproxy.cfg', env, read: readOther, list: listFolder });
  }

  /** The written file for a text, undefined where there is nothing to serve. */
  async imports(text: string): Promise<string | undefined> {
    return this.import(await this.fill(text, 1, 2)).text;
  }

  /** Starts HAProxy with the text. Its second address is `second`. */
  async haproxy(text: string): Promise<Haproxy & { readonly second: number }> {
    let second = 0;
    Object.assign(process.env, env);
    const haproxy = await startHaproxyFile(async (port) => {
      second = await portBeside(port);
      return this.fill(text, port, second);
    });
    return { ...haproxy, second };
  }

  /** Starts a gateway with what the import makes of the text. */
  async gateway(
    text: string,
  ): Promise<{ gateway: LocalGateway; port: number; second: number; imported: Imported }> {
    const port = await freePort();
    const second = await portBeside(port);
    const imported = this.import(await this.fill(text, port, second));
    assert.ok(imported.text !== undefined, JSON.stringify(imported.remarks));
    const written = `${imported.text}\nadmin: 127.0.0.1:0\n`;
    const loaded = parseConfig({
      text: written,
      file: 'portcullis.yaml',
      folder: this.folder,
      env,
      cores: 1,
    });
    assert.ok(loaded.ok, `${JSON.stringify(loaded.ok ? [] : loaded.faults, null, 1)}\n${written}`);
    const gateway = createGateway(loaded.config, { log: silentLog, acceptVulnerableNode: true });
    await gateway.start();
    return { gateway, port, second, imported };
  }

  close(): void {
    this.#servers.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Another free port: a port that nothing binds yet may be offered twice. */
async function portBeside(port: number): Promise<number> {
  let other = port;
  while (other === port) other = await freePort();
  return other;
}

/** Tells tests that a port speaks TLS. */
export function speaksTls(port: number): void {
  tlsPorts.add(port);
}
