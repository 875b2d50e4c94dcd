import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { FusionAuthClient } from '@fusionauth/typescript-client';
import { demoIdentity } from '../../src/demo/identity.ts';
import { needs } from '../support/programs.ts';
import { request, Wire } from '../support/wire.ts';

const mainFile = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const freePorts = ['--port', '0', '--issuer-port', '0', '--admin-port', '0'];
/** Milliseconds for a start or an end of the demo on a busy machine. */
const patienceMs = 120_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `portcullis demo` in its own process. */
class DemoProcess {
  private readonly child: ChildProcess;
  private out = '';
  private err = '';
  private readonly closed: Promise<unknown>;

  constructor(options: readonly string[]) {
    this.child = spawn(process.execPath, [mainFile, 'demo', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: patienceMs,
      killSignal: 'SIGKILL',
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.closed = once(this.child, 'close');
  }

  /** Its output, once the last line is present. */
  async ready(): Promise<string> {
    while (!/^ready.*\n/m.test(this.out)) {
      const over = await Promise.race([
        this.closed.then(() => true),
        once(this.child.stdout as NodeJS.EventEmitter, 'data').then(() => false),
      ]);
      if (over) throw new Error(`the demo ended before it was ready: ${this.out}${this.err}`);
    }
    return this.out;
  }

  async ended(): Promise<Ended> {
    await this.closed;
    return { code: this.child.exitCode, out: this.out, err: this.err };
  }

  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
    this.child.kill(name);
  }
}

/** The port that is printed after a part's name. */
function portIn(text: string, part: string): number {
  return Number(new RegExp(`^ +${part} +http://127\\.0\\.0\\.1:(\\d+) `, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** The lines for pasting. */
function shellLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('curl ') || line.startsWith('TOKEN='));
}

describe('portcullis demo', () => {
  let demo: DemoProcess;
  let text: string;

  before(async () => {
    demo = new DemoProcess(freePorts);
    text = await demo.ready();
  });
  after(() => demo.signal('SIGKILL'));

  test('prints the real ports, and ready in the last line', () => {
    for (const part of ['gateway', 'service', 'issuer', 'admin']) assert.ok(portIn(text, part) > 0, part);
    assert.match(text.trimEnd().split('\n').at(-1) ?? '', /^ready/);
    assert.ok(text.endsWith('\n'));
  });

  test('the printed lines work unchanged', needs('curl'), async () => {
    const lines = shellLines(text);
    assert.equal(lines.length, 4, text);
    const script = lines.map((line) => `${line}\necho; echo =====`).join('\n');
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { timeout: patienceMs });
    const [refused = '', login = '', accepted = '', metrics = ''] = stdout.split('=====\n');
    assert.match(refused, /^HTTP\/1\.1 401 .*"code":\s*"token_missing"/s);
    assert.equal(login.trim(), '');
    assert.match(accepted, /^HTTP\/1\.1 200 .*you have reached the protected service/s);
    const response = JSON.parse(accepted.slice(accepted.indexOf('{')));
    assert.equal(response.path, '/orders');
    assert.equal(response.headers['x-user-id'], demoIdentity.user.id);
    assert.equal(response.authorization, 'present');
    assert.match(metrics, /^portcullis_rejections_total\{reason="token_missing"\} 1$/m);
  });

  test(
    'the lines of the HAProxy walk-through work, with the demo in place of its placeholders',
    needs('curl'),
    async () => {
      const { apiKey, applicationId, user } = demoIdentity;
      const run = async (script: string): Promise<string> =>
        (await promisify(execFile)('sh', ['-c', script], { timeout: patienceMs })).stdout;
      const gateway = `http://localhost:${portIn(text, 'gateway')}`;
      assert.match(await run(`curl -s -X GET -I ${gateway}`), /^HTTP\/1\.1 401 /);
      const login = await run(
        `curl -s --location --request POST 'http://localhost:${portIn(text, 'issuer')}/api/login' --header 'Authorization: ${apiKey}' \
--header 'Content-Type: application/json' --data-raw '  {
    "loginId": "${user.email}",
    "password": "${user.password}",
    "applicationId": "${applicationId}",
    "noJWT" : false
  }'`,
      );
      const { token } = JSON.parse(login);
      const accepted = await run(`curl -s -I ${gateway} -H 'Authorization: Bearer ${token}'`);
      assert.match(accepted, /^HTTP\/1\.1 200 /);
    },
  );

  test("FusionAuth's own client logs in, and the gateway accepts the token", async () => {
    const { apiKey, applicationId, user } = demoIdentity;
    const client = new FusionAuthClient(apiKey, `http://127.0.0.1:${portIn(text, 'issuer')}`);
    const login = await client.login({ loginId: user.email, password: user.password, applicationId });
    assert.equal(login.statusCode, 200);
    const { token, user: profile } = login.response;
    assert.equal(profile?.id, user.id);
    const port = portIn(text, 'gateway');
    const head = 'GET /invoices?year=2025 HTTP/1.1\r\nHost: app.example.com\r\n';
    const accepted = await request(port, `${head}Authorization: Bearer ${token}\r\n\r\n`);
    assert.equal(accepted.status, 200, accepted.raw);
    assert.equal(JSON.parse(accepted.body).path, '/invoices?year=2025');
    const refused = await request(port, `${head}Authorization: Bearer ${token?.slice(0, -6)}AAAAAA\r\n\r\n`);
    assert.equal(refused.status, 401);

    const keys = await client.retrieveJsonWebKeySet();
    assert.equal(keys.response.keys?.length, 1);
    const discovery = await client.retrieveOpenIdConfiguration();
    assert.equal(discovery.response.issuer, demoIdentity.issuer);
    const wrong = client.login({ loginId: user.email, password: 'no', applicationId });
    await assert.rejects(wrong, { statusCode: 404 });
  });

  test('a token without an application is refused', async () => {
    const { apiKey, user } = demoIdentity;
    const client = new FusionAuthClient(apiKey, `http://127.0.0.1:${portIn(text, 'issuer')}`);
    const { token } = (await client.login({ loginId: user.email, password: user.password })).response;
    const response = await request(
      portIn(text, 'gateway'),
      `GET / HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    assert.equal(response.status, 401);
    assert.match(response.body, /audience_mismatch/);
  });

  test('Ctrl-C ends it with 0, even with an idle client', async () => {
    const idle = await Wire.open(portIn(text, 'gateway'));
    idle.send('GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n');
    assert.equal((await idle.response()).status, 401);
    demo.signal('SIGINT');
    const { code, err } = await demo.ended();
    idle.close();
    assert.equal(code, 0, err);
    await assert.rejects(Wire.open(portIn(text, 'gateway')), { code: 'ECONNREFUSED' });
  });
});

test('SIGTERM ends the demo with 0', async () => {
  const demo = new DemoProcess(freePorts);
  await demo.ready();
  demo.signal('SIGTERM');
  assert.equal((await demo.ended()).code, 0);
});

for (const option of ['--port', '--issuer-port', '--admin-port']) {
  test(`a taken port for ${option} is one sentence that names both, and exit 69`, async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const { code, out, err } = await new DemoProcess([...freePorts, option, String(port)]).ended();
      assert.equal(code, 69, err);
      assert.ok(err.includes(String(port)) && err.includes(option), err);
      assert.equal(err.trim().split('\n').length, 1, err);
      assert.doesNotMatch(out, /^ready/m);
    } finally {
      other.close();
    }
  });
}
