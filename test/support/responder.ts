import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authority, Issued } from './authority.ts';
import { openssl } from './openssl.ts';

/** What `openssl ocsp` is told of the certificates of an authority. */
export interface Ledger {
  readonly authority: Authority;
  readonly good?: readonly Issued[];
  readonly revoked?: readonly Issued[];
  /** Signs the responses; left out: the authority. */
  readonly signer?: Pick<Issued, 'cert' | 'key'>;
  /** For which the responses count, from now on. */
  readonly days?: number;
}

/** The response of `openssl ocsp` to a request, both DER. */
export async function respond(request: Uint8Array, ledger: Ledger): Promise<Buffer> {
  const { authority, good = [], revoked = [], days = 2 } = ledger;
  const signer = ledger.signer ?? authority;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-ocsp-'));
  const at = (name: string): string => join(folder, name);
  const serial = (one: Issued): string => one.serial.toString(16).toUpperCase().padStart(2, '0');
  const index = [
    ...good.map((one) => `V\t991231235959Z\t\t${serial(one)}\tunknown\t/CN=${one.serial}`),
    ...revoked.map((one) => `R\t991231235959Z\t200101000000Z\t${serial(one)}\tunknown\t/CN=${one.serial}`),
  ];
  try {
    writeFileSync(at('index'), `${index.join('\n')}\n`);
    writeFileSync(at('ca'), authority.cert);
    writeFileSync(at('cert'), signer.cert);
    writeFileSync(at('key'), signer.key);
    writeFileSync(at('request'), request);
    const files = ['-index', 'index', '-CA', 'ca', '-rsigner', 'cert', '-rkey', 'key'].map((arg) =>
      arg.startsWith('-') ? arg : at(arg),
    );
    const { output } = await openssl([
      ...['ocsp', ...files, '-ndays', String(days)],
      ...['-reqin', at('request'), '-respout', at('response')],
    ]);
    try {
      return readFileSync(at('response'));
    } catch (cause) {
      throw new Error(`openssl ocsp made no response: ${output}`, { cause });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An OCSP responder over HTTP: `openssl ocsp` behind a server, so that its port is known before there is a certificate. */
export class Responder {
  /** Requests so far. */
  asked = 0;
  /** Left out: no request is answered. */
  ledger: Ledger | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<Responder> {
    const responder = new Responder();
    responder.#server.listen(0, '127.0.0.1');
    await once(responder.#server, 'listening');
    return responder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ocsp`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.asked += 1;
    if (this.ledger === undefined) return;
    const right = request.method === 'POST' && request.headers['content-type'] === 'application/ocsp-request';
    response.writeHead(right ? 200 : 400, { 'Content-Type': 'application/ocsp-response' });
    response.end(right ? await respond(Buffer.concat(chunks), this.ledger) : '');
  }
}
