// Source: an operator's report: the line `journalctl … | jq` of the documentation fails, because plain lines are between those of JSON.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { start } from '../cli/program.ts';
import { Stand } from '../process/stand.ts';
import { needs } from '../support/programs.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const papers = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
/** Milliseconds for one command on a busy machine. */
const PATIENCE_MS = 60_000;

interface Documented {
  readonly line: string;
  /** The output that the page shows. */
  readonly shown: string;
}

/** The commands of the blocks `sh`, one a line, and `console`, where each has a `$` and its output after it. */
function commandsOf(path: string): readonly Documented[] {
  return Array.from(text(path).matchAll(/^```(sh|console)\n(.*?)^```$/gms)).flatMap(
    ([, kind, block = '']) => {
      if (kind === 'console') {
        return block
          .split(/^\$ /m)
          .slice(1)
          .map((part) => {
            const [line = '', ...shown] = part.trimEnd().split('\n');
            return { line, shown: shown.join('\n') };
          });
      }
      const lines = block.split('\n').map((line) => line.replace(/\s+# .*$/, '').trim());
      return lines.filter((line) => line !== '').map((line) => ({ line, shown: '' }));
    },
  );
}

const documented = papers.flatMap(commandsOf);
const shownOf = (line: string): string =>
  documented.find((one) => one.line === line && one.shown !== '')?.shown ?? '';

interface Ran {
  readonly code: number;
  readonly out: string;
}

/** Runs a line in the clone as a user does who pastes it into a shell. */
function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = { cwd: root, timeout: PATIENCE_MS, env: { ...process.env, ...env } };
    execFile('bash', ['-c', line], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : (error.code as number), out: `${stdout}${stderr}` });
    });
  });
}

/** Run here. */
const CURL_REFUSED = 'curl -i http://127.0.0.1:8080/orders';
const CURL_ACCEPTED = `${CURL_REFUSED} -H "Authorization: Bearer $TOKEN"`;
const LOGIN = documented.find(({ line }) => line.startsWith('TOKEN=$(curl '))?.line ?? '';
const REVOKE = documented.find(({ line }) => line.includes('/revocations -H'))?.line ?? '';
const DRAIN = documented.find(({ line }) => line.includes('/upstreams/app/servers/'))?.line ?? '';
const CHECK = 'npx portcullis check';
const START = 'npx portcullis start';
const JOURNAL = "journalctl -u portcullis -p warning -o cat | jq -R 'fromjson? // .'";
const PRINT = 'npx portcullis demo --print-config > demo.yaml';
const run: readonly string[] = [
  CURL_REFUSED,
  LOGIN,
  CURL_ACCEPTED,
  REVOKE,
  DRAIN,
  CHECK,
  START,
  JOURNAL,
  PRINT,
];

/** Shown elsewhere: the file, and its text. */
const elsewhere: ReadonlyMap<string, readonly [file: string, says: string]> = new Map([
  ['npm ci && npm start', ['test/field/first-start.test.ts', 'npm start on a fresh clone']],
  // This line runs this very test.
  ['npm ci && npm test', ['test/runner.test.ts', 'npm test']],
  ['npm run build', ['package.json', '"build": "tsc -p . && chmod 755 dist/src/main.js"']],
  [
    'npx portcullis explain --path /orders --method GET "$TOKEN"',
    ['test/cli/explain.test.ts', '"code":"scope_insufficient"'],
  ],
  [
    'portcullis explain --path /live --upgrade websocket --origin https://app.example.com "$TOKEN"',
    ['test/cli/explain.test.ts', 'a valid 101 would open a tunnel'],
  ],
  ['npx portcullis init', ['test/cli/init.test.ts', 'init on a terminal']],
  [
    'portcullis init --issuer https://idp.example.com --audience orders --upstream http://127.0.0.1:9000',
    ['test/cli/init.test.ts', 'init by options'],
  ],
  [
    'portcullis import haproxy haproxy.cfg > portcullis.yaml',
    ['test/cli/import.test.ts', 'a file is carried over, with its names and comments, and check takes it'],
  ],
  ['portcullis schema > portcullis.schema.json', ['test/field/editor-schema.test.ts', "'schema'"]],
  ['portcullis check portcullis.yaml', ['test/cli/cli.test.ts', "'check', "]],
  [
    'SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) node scripts/sbom.mjs >portcullis-0.1.0.cdx.json',
    ['test/package/sbom.test.ts', 'SOURCE_DATE_EPOCH'],
  ],
  [
    'helm install edge scripts/container/chart --set image.repository=registry.example.com/portcullis -f my-values.yaml',
    ['test/package/containers.test.ts', 'are what Helm makes of the chart'],
  ],
  // No machine of this project has a container engine, and the page says so.
  ...[
    'docker build -f scripts/container/Dockerfile -t portcullis .',
    'docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 8080:8080 \\',
    '-v ./portcullis.yaml:/etc/portcullis/portcullis.yaml:ro -v state:/var/lib/portcullis portcullis',
  ].map((line): [string, [string, string]] => [line, ['docs/containers.md', '**Not run**: `docker build`']]),
  // These need a packed release and npm's registry, or a systemd.
  ['npm pack', ['test/field/global-install.heavy.test.ts', 'fillShare']],
  ['npm i -g ./portcullis-0.1.0.tgz', ['test/field/global-install.heavy.test.ts', "'i', '-g'"]],
  ['portcullis --version', ['test/field/global-install.heavy.test.ts', "'--version'"]],
  [
    'npm pack && scripts/install portcullis-0.1.0.tgz',
    ['test/systemd/service.heavy.test.ts', '/srv/install'],
  ],
  [
    'systemctl status portcullis',
    ['test/systemd/service.heavy.test.ts', 'systemctl status --no-pager portcullis'],
  ],
]);

/** The first configuration of README, on free ports. */
function firstConfiguration(): string {
  const [, block = ''] = /^```yaml\n(listen:.*?)^```$/ms.exec(text('README.md')) ?? [];
  return `${block.replace('0.0.0.0:8080', '127.0.0.1:0')}admin: 127.0.0.1:0\nlisteners: 1\n`;
}

function write(name: string, config: string): string {
  const file = join(folder, name);
  writeFileSync(file, config);
  return file;
}
copyFileSync(join(root, 'test', 'fixtures', 'config', 'public-key.pem'), join(folder, 'pubkey.pem'));

describe('the documented commands', () => {
  test('are all known here: run, or shown by a test that is named', () => {
    const unknown = documented.filter(({ line }) => !run.includes(line) && !elsewhere.has(line));
    assert.deepEqual(unknown, []);
    const gone = [...run, ...elsewhere.keys()].filter(
      (known) => !documented.some(({ line }) => line === known),
    );
    assert.deepEqual(gone, []);
    for (const [line, [file, says]] of elsewhere) {
      assert.ok(existsSync(join(root, file)) && text(file).includes(says), `${line}: ${file}: ${says}`);
    }
  });

  test('name npx only for a clone', () => {
    for (const path of papers) {
      if (path === 'README.md') continue;
      const outside = commandsOf(path).filter(({ line }) => line.startsWith('npx '));
      assert.deepEqual(outside, [], path);
    }
    assert.match(text('README.md'), /`npx portcullis` is for a clone/);
  });

  test('of the first minutes print the shown output', needs('curl'), async () => {
    const demo = start(['demo', '--port', '0', '--issuer-port', '0', '--admin-port', '0']);
    try {
      const printed = await demo.printed(/^ready.*\n/m);
      const portOf = (part: string): string =>
        new RegExp(`^ +${part} +\\S+:(\\d+) `, 'm').exec(printed)?.[1] ?? '';
      const script = [CURL_REFUSED, LOGIN, CURL_ACCEPTED]
        .join('\necho =====\n')
        .replaceAll('curl -i', 'curl -s -i')
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${portOf('gateway')}`)
        .replaceAll('127.0.0.1:9011', `127.0.0.1:${portOf('issuer')}`);
      const { code, out } = await shell(script);
      assert.equal(code, 0, out);
      const [refused = '', , accepted = ''] = out.split('=====\n');
      assert.equal(plain(refused), plain(shownOf(CURL_REFUSED)));
      assert.equal(plain(accepted), plain(shownOf(CURL_ACCEPTED)));
    } finally {
      demo.child.kill('SIGTERM');
      await demo.ended;
    }
  });

  test('check a file, and print its faults as shown', async () => {
    const sound = write('sound.yaml', firstConfiguration());
    const { code, out } = await shell(CHECK, { PORTCULLIS_CONFIG: sound, npm_config_offline: 'true' });
    assert.deepEqual([code, out.split('\n')[0]], [0, `${sound} is valid`]);
    const [, block = ''] = /^```yaml\n(listen:.*?)^```$/ms.exec(text('README.md')) ?? [];
    const faulty = write(
      'portcullis.yaml',
      block.replace('RS256', 'RS265').replace('./pubkey.pem', '/srv/nokey.pem'),
    );
    const { code: refused, out: faults } = await shell(CHECK, {
      PORTCULLIS_CONFIG: faulty,
      npm_config_offline: 'true',
    });
    assert.equal(refused, 78);
    assert.equal(faults.replaceAll(faulty, './portcullis.yaml').trimEnd(), shownOf(CHECK));
  });

  test('start it', async () => {
    const file = write('start.yaml', firstConfiguration());
    const gateway = start(['start'], { env: { PORTCULLIS_CONFIG: file } });
    await gateway.printed(/"message":"ready"/);
    gateway.child.kill('SIGTERM');
    assert.equal((await gateway.ended).code, 0);
  });

  test('print a first configuration', async () => {
    const file = join(folder, 'printed.yaml');
    assert.ok(PRINT.endsWith(' demo.yaml'));
    const { code, out } = await shell(PRINT.replace('demo.yaml', file), { npm_config_offline: 'true' });
    assert.deepEqual([code, out], [0, '']);
    assert.match(readFileSync(file, 'utf8'), /^listen: 127\.0\.0\.1:8080$/m);
  });

  test('revoke', needs('curl'), async () => {
    const REVOCATION_SECRET = 's'.repeat(32);
    const stand = await Stand.start({
      upstream: 'http://127.0.0.1:9',
      listeners: 1,
      issuers: {
        fusionauth: {
          issuer: 'i',
          audience: 'a',
          algorithms: ['RS256'],
          keys: { pem: join(folder, 'pubkey.pem') },
        },
      },
      revocation: { secret: REVOCATION_SECRET },
    });
    try {
      const line = REVOKE.replace('curl', 'curl -s').replace(
        '127.0.0.1:9090',
        `127.0.0.1:${stand.adminPort}`,
      );
      const { out } = await shell(line, { REVOCATION_SECRET });
      assert.equal(out.trimEnd(), shownOf(REVOKE));
    } finally {
      await stand.stop();
    }
  });

  test('drain a server', needs('curl'), async () => {
    const ADMIN_SECRET = 's'.repeat(32);
    const stand = await Stand.start({
      listeners: 1,
      admin: { address: '127.0.0.1:0', secret: ADMIN_SECRET },
      upstreams: { app: { servers: ['http://10.0.0.1:9000', 'http://10.0.0.2:9000'] } },
      routes: [{ match: { path: '/' }, auth: 'none', upstream: 'app' }],
    });
    try {
      const line = DRAIN.replace('curl', 'curl -s').replace('127.0.0.1:9090', `127.0.0.1:${stand.adminPort}`);
      const { out } = await shell(line, { ADMIN_SECRET });
      assert.equal(out.trimEnd(), shownOf(DRAIN));
    } finally {
      await stand.stop();
    }
  });

  test('read a journal with lines of systemd between those of the gateway', needs('jq'), async () => {
    const lines = ['{"level":"warn","message":"one"}', 'portcullis.service: Deactivated successfully.'];
    const { code, out } = await shell(
      JOURNAL.replace(/^journalctl[^|]*/, `printf '%s\\n' '${lines.join("' '")}' `),
    );
    assert.equal(code, 0, out);
    assert.match(out, /"message": "one"/);
    assert.match(out, /Deactivated successfully/);
  });
});

/** A response without the parts that vary between runs, versions of curl and engines, which order and spell fields in two ways. */
function plain(response: string): string {
  const [head = '', ...body] = response
    .replaceAll('\r', '')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/curl\/[\d.]+/, 'curl')
    .replace(/("x-portcullis-via":)"[\w-]{12}"/, '$1MARK')
    .trim()
    .split('\n\n');
  const [statusLine = '', ...fields] = head
    .replaceAll(/^[\w-]+(?=:)/gm, (name) => name.toLowerCase())
    .replace(/^date: .*$/m, 'date: D')
    .replace(/^content-length: 3\d\d$/m, 'content-length: L')
    .split('\n');
  return [statusLine, ...fields.sort(), '', ...body].join('\n');
}
