// Source: a newcomer with an editor: typos were not marked, and completion offered little.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { jsonSchema } from '../../src/config/schema/schema.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}
interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number } };
}

/** The language server that editors run for YAML, driven as an editor does (Language Server Protocol on stdio). */
class Editor {
  readonly #server: ChildProcess;
  readonly #responses = new Map<number, (result: unknown) => void>();
  readonly #diagnosed = new Map<string, (found: readonly Diagnostic[]) => void>();
  #received = Buffer.alloc(0);
  #ids = 0;

  constructor() {
    const program = createRequire(import.meta.url).resolve('yaml-language-server/bin/yaml-language-server');
    this.#server = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#server.stdout?.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  ask(method: string, params: unknown): Promise<unknown> {
    this.#ids += 1;
    const id = this.#ids;
    const response = new Promise<unknown>((resolve) => this.#responses.set(id, resolve));
    this.#send({ id, method, params });
    return response;
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  /** Opens a document; resolves with the server's marks in it. */
  open(uri: string, text: string): Promise<readonly Diagnostic[]> {
    const found = new Promise<readonly Diagnostic[]>((resolve) => this.#diagnosed.set(uri, resolve));
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
    return found;
  }

  end(): void {
    this.#server.kill('SIGKILL');
  }

  #send(message: Message): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#server.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #read(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const head = this.#received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString('latin1', 0, head))?.[1]);
      const end = head + 4 + length;
      if (this.#received.length < end) return;
      const message = JSON.parse(this.#received.toString('utf8', head + 4, end)) as Message;
      this.#received = this.#received.subarray(end);
      this.#hear(message);
    }
  }

  #hear({ id, method, params, result }: Message): void {
    if (method === undefined && id !== undefined) {
      this.#responses.get(id)?.(result);
      this.#responses.delete(id);
    } else if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as { uri: string; diagnostics: readonly Diagnostic[] };
      this.#diagnosed.get(uri)?.(diagnostics);
    } else if (id !== undefined) {
      // The server asks for the editor's settings: only the defaults here.
      const items = (params as { items?: readonly unknown[] } | undefined)?.items ?? [];
      this.#send({ id, result: items.map(() => null) });
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const schemaFile = join(folder, 'schema.json');
const editor = new Editor();
let documents = 0;

before(async () => {
  writeFileSync(schemaFile, JSON.stringify(jsonSchema()));
  await editor.ask('initialize', { processId: process.pid, rootUri: null, capabilities: {} });
  editor.notify('initialized', {});
});
after(() => {
  editor.end();
  rmSync(folder, { recursive: true });
});

/** The line that binds a schema, as docs/configuration.md shows it. */
const bound = (text: string): string =>
  `# yaml-language-server: $schema=${pathToFileURL(schemaFile).href}\n${text}`;

async function marks(text: string): Promise<readonly string[]> {
  documents += 1;
  const found = await editor.open(`file:///portcullis-${documents}.yaml`, bound(text));
  return found.map(({ message, range }) => `${range.start.line}: ${message}`);
}

/** Labels offered at the end of the text. */
async function offered(text: string): Promise<readonly string[]> {
  documents += 1;
  const uri = `file:///portcullis-${documents}.yaml`;
  await editor.open(uri, bound(text));
  const lines = bound(text).split('\n');
  const position = { line: lines.length - 1, character: (lines.at(-1) as string).length };
  const response = (await editor.ask('textDocument/completion', { textDocument: { uri }, position })) as {
    items: readonly { label: string }[];
  };
  return response.items.map(({ label }) => label);
}

const file = (algorithm: string, keys: string): string => `listen: 127.0.0.1:8080
upstream: http://127.0.0.1:9000
issuers:
  app:
    issuer: https://idp
    audience: api
    algorithms: [${algorithm}]
    keys: ${keys}
`;

describe('an editor with the printed schema', () => {
  test('marks nothing in a correct file', async () => {
    assert.deepEqual(await marks(file('RS256', '{ pem: ./pubkey.pem }')), []);
  });

  test('marks a typo in an algorithm, two sources of keys, and an unknown key, at their places', async () => {
    const typo = await marks(file('RS265', '{ pem: ./pubkey.pem }'));
    assert.ok(
      typo.some((mark) => mark.startsWith('7:')),
      typo.join('\n'),
    );
    assert.notDeepEqual(await marks(file('RS256', '{ pem: ./pubkey.pem, jwks: https://idp/jwks.json }')), []);
    const unknown = await marks(`${file('RS256', '{ pem: ./pubkey.pem }')}upstrem: http://127.0.0.1:1\n`);
    assert.ok(
      unknown.some((mark) => mark.startsWith('9:') && mark.includes('upstrem')),
      unknown.join('\n'),
    );
  });

  test('offers keys and values', async () => {
    const top = await offered(`${file('RS256', '{ pem: ./pubkey.pem }')}`);
    for (const key of ['routes', 'upstreams', 'limits', 'log', 'admin']) assert.ok(top.includes(key), key);
    const issuer = await offered('issuers:\n  app:\n    ');
    for (const key of ['issuer', 'audience', 'algorithms', 'keys']) assert.ok(issuer.includes(key), key);
    const rejection = await offered('rejection: ');
    assert.deepEqual(
      ['rfc6750', 'haproxy'].filter((word) => !rejection.includes(word)),
      [],
    );
  });
});
