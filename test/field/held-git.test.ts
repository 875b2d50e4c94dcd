// Source: runs of whole programs: git over HTTP through the gateway, which was identical to git without it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';

const run = promisify(execFile);
/** Bytes of a file that no compression shrinks: several times what git sends without chunks. */
const SIZE = 3 * 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
let server: Server;
let gateway: TestGateway;
/** The framing of requests with a body. */
const framings = new Set<string>();

/** The settings of this machine and of this user have no effect. */
const env = {
  PATH: process.env['PATH'],
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b.example',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b.example',
};

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd, env });
  return stdout.trim();
}

/** git's own server side, which is a CGI program (RFC 3875). */
function backend(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '', 'http://a.example');
  const { headers, method } = request;
  if (method === 'POST') framings.add(headers['transfer-encoding'] ?? 'length');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      GIT_PROJECT_ROOT: join(folder, 'served'),
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: headers['git-protocol'] as string | undefined,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: method,
      CONTENT_TYPE: headers['content-type'],
      CONTENT_LENGTH: headers['content-length'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      REMOTE_USER: headers['x-user'] as string | undefined,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  let head: Buffer = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) response.write(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = head.subarray(0, end).toString('latin1').split('\r\n');
      const fields = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
      const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
      response.writeHead(Number.parseInt(status, 10), Object.fromEntries(fields));
      response.write(head.subarray(end + 4));
    }
  });
  child.stdout.on('end', () => response.end());
}

describe('git', needs('git'), () => {
  let url: string;
  let header: string;

  before(async () => {
    server = createServer(backend);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const forward = { headers: new Map([['X-User', { claim: 'sub', as: 'string' as const }]]) };
    gateway = await startGateway({
      upstreamPort: (server.address() as AddressInfo).port,
      routes: [{ forward: { ...forward, token: 'strip', forwarded: new Set() } }],
    });
    url = `http://127.0.0.1:${gateway.port}/project.git`;
    header = `http.extraHeader=Authorization: ${gateway.bearer()}`;
    mkdirSync(join(folder, 'served'));
    await git(folder, 'init', '-q', '--bare', '-b', 'main', 'served/project.git');
  });
  after(async () => {
    await gateway.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('without a token is refused', async () => {
    await assert.rejects(git(folder, 'clone', '-q', url, 'nobody'), /could not read Username|401/);
  });

  test('pushes a large file in chunks, fetches it, and clones without its history', async () => {
    const first = join(folder, 'first');
    await git(folder, '-c', header, 'clone', '-q', url, 'first');
    const bytes = randomBytes(SIZE);
    for (const [name, content] of [
      ['small', 'x'],
      ['large', bytes],
    ] as const) {
      writeFileSync(join(first, name), content);
      await git(first, 'add', name);
      await git(first, 'commit', '-q', '-m', name);
      await git(first, '-c', header, 'push', '-q', 'origin', 'HEAD:main');
    }
    assert.deepEqual([...framings].sort(), ['chunked', 'length']);

    await git(folder, '-c', header, 'clone', '-q', url, 'second');
    assert.ok(readFileSync(join(folder, 'second', 'large')).equals(bytes));
    await git(folder, '-c', header, 'clone', '-q', '--depth', '1', url, 'third');
    const count = ['rev-list', '--count', 'HEAD'];
    assert.deepEqual(
      [await git(join(folder, 'second'), ...count), await git(join(folder, 'third'), ...count)],
      ['2', '1'],
    );
    await git(join(folder, 'second'), 'fsck', '--strict');
    const { forwarded, token_missing: missing, ...others } = await gateway.outcomes();
    assert.deepEqual(others, {});
    assert.ok((forwarded ?? 0) > 8 && (missing ?? 0) > 0);
  });
});
