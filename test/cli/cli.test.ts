import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from './program.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const fixtures = join(root, 'test', 'fixtures', 'config');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;

copyFileSync(join(fixtures, 'public-key.pem'), join(folder, 'key.pem'));
function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
const good = `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: http://127.0.0.1:9
issuers: { app: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: key.pem } } }
`;

test('--version prints the version, for each command too', async () => {
  for (const command of [[], ['start'], ['check'], ['demo'], ['explain'], ['schema']]) {
    assert.deepEqual(await run([...command, '--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  }
});

test('--help is the help, for each command too', async () => {
  for (const command of [[], ['start'], ['check'], ['demo'], ['explain'], ['schema']]) {
    const { code, stdout, stderr } = await run([...command, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`Usage: ${['portcullis', ...command].join(' ')}`), stdout);
  }
});

test('wrong usage is reported on standard error and ends with 64', async () => {
  for (const [args, text] of [
    [[], 'Usage: portcullis'],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['check', '--confg', 'x'], "unknown option '--confg'"],
    [['check', '--config'], 'argument missing'],
    [['check', 'x.yaml', 'y.yaml'], 'too many arguments'],
    [['demo', '--port', '65536'], 'must be a port from 0 to 65535'],
    [['demo', '--admin-port', 'x'], 'must be a port from 0 to 65535'],
    [['explain', 'a', 'b'], 'too many arguments'],
    [['explain', '--path', 'orders'], 'must start with /'],
  ] as const) {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    assert.deepEqual([code, stdout], [64, ''], args.join(' '));
    assert.ok(stderr.includes(text), `${args.join(' ')}: ${stderr}`);
  }
});

test('schema prints the JSON Schema', async () => {
  const { code, stdout, stderr } = await run(['schema']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal((JSON.parse(stdout) as { title?: unknown }).title, 'portcullis configuration');
});

test('a reader that goes away is no error', async () => {
  const { child, ended } = start(['schema']);
  child.stdout.destroy();
  const { stderr } = await ended;
  assert.equal(stderr, '');
});

test('check finds its file by option, environment and default place', async () => {
  write('portcullis.yaml', good);
  const other = write('other.yaml', good);
  const said = async (args: readonly string[], env = {}): Promise<unknown> => {
    const { code, stdout, stderr } = await run(['check', ...args], { cwd: folder, env });
    return [code, stdout.split('\n')[0], stderr];
  };
  assert.deepEqual(await said([]), [0, './portcullis.yaml is valid', '']);
  assert.deepEqual(await said([], { PORTCULLIS_CONFIG: other }), [0, `${other} is valid`, '']);
  assert.deepEqual(await said(['--config', 'portcullis.yaml'], { PORTCULLIS_CONFIG: 'none' }), [
    0,
    'portcullis.yaml is valid',
    '',
  ]);
});

test('check and start print every fault, and end with 78', async () => {
  const secret = 'hunter2-hunter2';
  const file = write(
    'bad.yaml',
    `listen: 1\nrelm: x\nadmin: $${'{SECRET}'}\nupstream: http://h\nauth: none\n`,
  );
  for (const command of ['check', 'start']) {
    const { code, stdout, stderr } = await run([command, '--config', file], { env: { SECRET: secret } });
    assert.deepEqual([code, stdout], [78, '']);
    assert.deepEqual(
      stderr.split('\n').map((line) => line.split('; must be')[0]),
      [
        `${file}:1:9: listen: is a number`,
        `${file}:2:1: relm: is not a known key`,
        `${file}:3:8: admin: does not fit`,
        `portcullis: 3 faults in ${file}`,
        '',
      ],
    );
  }
});

test('check prints what is switched off', async () => {
  const file = write('open.yaml', good.replace('audience: y', 'audience: any'));
  const { code, stdout, stderr } = await run(['check', '--config', file]);
  assert.deepEqual([code, stdout.split('\n')[0]], [0, `${file} is valid`]);
  assert.equal(
    stderr,
    `warning: ${file}:4:40: issuers.app.audience: any: tokens meant for other services are accepted\n`,
  );
});

test('a configuration file that cannot be read ends with 69', async () => {
  for (const command of ['check', 'start']) {
    const { code, stdout, stderr } = await run([command, '--config', 'none.yaml'], { cwd: folder });
    const sentence = `portcullis: the configuration file ${join(folder, 'none.yaml')} does not exist; must be a readable file\n`;
    assert.deepEqual([code, stdout, stderr], [69, '', sentence]);
  }
});

test('without a configuration file a command prints the default places, and the command that writes an example', async (t) => {
  if (existsSync('/etc/portcullis/portcullis.yaml')) return t.skip('this machine has a configuration');
  const empty = mkdtempSync(join(folder, 'empty-'));
  for (const command of ['check', 'start', 'explain']) {
    const { code, stdout, stderr } = await run([command], { cwd: empty });
    assert.deepEqual([code, stdout], [69, '']);
    assert.match(stderr, /--config FILE or PORTCULLIS_CONFIG, or write \.\/portcullis\.yaml or /);
    const [, line = ''] =
      / init writes a first one, and portcullis (.+) prints one to look at\n$/.exec(stderr) ?? [];
    const printed = await run(line.split(' '), { cwd: empty });
    assert.equal(printed.code, 0);
    assert.match(printed.stdout, /^listen: /m);
  }
});
