// Source: an adversarial review: files with 1,000 unknown keys, 20,000 aliases or 209,000 repeated keys kept a reload busy for minutes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadInChild } from '../../src/process/load-child.ts';
import { run } from '../cli/program.ts';
import { faultsOf } from '../config/check.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Milliseconds of CPU for a check, which takes a tenth; the time that others take on this machine does not count. */
const CPU_MS = 5000;
/** Lines of a check that is cut: the faults shown, and that there are more. */
const MOST_LINES = 201;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
const valid = 'listen: 127.0.0.1:8080\nauth: none\nupstream: http://127.0.0.1:9000\n';
const routes = (count: number, more: string): string =>
  `listen: 127.0.0.1:8080\nupstreams: { a: { servers: [http://h:1] } }\nroutes:\n${lines(
    count,
    (index) => `- { match: { path: /${index} }, upstream: a, ${more} }`,
  )}`;

/** The faults of a text as `check` prints them, found in little time. */
function faultsInTime(text: string): readonly string[] {
  const before = process.cpuUsage();
  const faults = faultsOf(text);
  const { user, system } = process.cpuUsage(before);
  const milliseconds = (user + system) / 1000;
  assert.ok(milliseconds < CPU_MS, `took ${milliseconds} ms`);
  return faults;
}

describe('a faulty file is told of in little time, and shortly', () => {
  const rows: readonly (readonly [what: string, text: string, first: RegExp])[] = [
    ['unknown keys', valid + lines(1000, (index) => `unknown${index}: 1`), /:4:1: unknown0: is not a known/],
    [
      'unknown keys inside of routes',
      routes(3000, 'unknown: 1'),
      /:4:\d+: routes\[0\]\.unknown: is not a known key/,
    ],
    [
      'aliases',
      `a: &a 1\nlist:\n${lines(20_000, () => '- *a')}`,
      /:1:1: yaml: has more than 100 aliases; must repeat/,
    ],
    [
      'aliases of something large',
      `a: &a [${'1,'.repeat(20_000)}]\nlist:\n${lines(90, () => '- *a')}`,
      /:1:1: yaml: has too many or endless aliases/,
    ],
    [
      'repeated keys, too many of them',
      lines(209_000, () => 'a: 1'),
      /:1:1: yaml: has more than 100000 keys, values and marks; must be a smaller file/,
    ],
    ['repeated keys, as many as are read', lines(33_000, () => 'a: 1'), /:2:1: yaml: has the same key twice/],
    ['different keys', lines(33_000, (index) => `k${index}: 1`), /:1:1: k0: is not a known key/],
    ['nesting by brackets', `a: ${'['.repeat(500_000)}`, /:1:1: yaml: is nested deeper than 64 levels/],
    [
      'nesting by indentation',
      lines(1000, (index) => `${' '.repeat(index)}a:`),
      /yaml: .*(nested|indented|deep|endless)/,
    ],
    ['syntax errors', lines(15_000, () => 'a: "b" c'), /:1:8: yaml: has something here that does not/],
    ['open quotes', lines(15_000, () => 'a: "b'), /:1:4: yaml: opens a quote that is not closed/],
    [
      'variables',
      valid + lines(15_000, (index) => `k${index}: \${NONE}`),
      /needs the environment variable NONE/,
    ],
    [
      'routes that match the same',
      routes(5000, 'auth: none').replace(/path: \/\d+/g, 'path: /a'),
      /same requests/,
    ],
    [
      'routes without issuers',
      routes(5000, 'auth: x'),
      /routes\[0\]\.auth: "x" is not the name of an issuer/,
    ],
    [
      'a long list',
      `${valid}trustedProxies: [${'x,'.repeat(45_000)}]`,
      /trustedProxies(\[0\])?: (has|does not fit)/,
    ],
    [
      'a long list of roles',
      routes(1, `require: { roles: [${'x,'.repeat(45_000)}] }`),
      /has too many entries/,
    ],
  ];
  for (const [what, text, first] of rows) {
    test(what, () => {
      const faults = faultsInTime(text);
      assert.match(faults.join('\n').slice(0, 5000), first);
      assert.ok(faults.length <= MOST_LINES, `${faults.length} lines`);
    });
  }

  test('and says that there is more', async () => {
    const file = join(folder, 'portcullis.yaml');
    writeFileSync(file, valid + lines(1000, (index) => `unknown${index}: 1`));
    const { code, stderr } = await run(['check', '--config', file]);
    assert.equal(code, 78);
    assert.match(stderr, /: configuration: has (at least \d+ )?more faults, which are not shown; must be/);
    writeFileSync(file, `${valid}# ${'x'.repeat(2_000_000)}`);
    assert.match((await run(['check', '--config', file])).stderr, /is larger than 1048576 bytes/);
  });

  test('a large file without a fault is as good as ever', () => {
    assert.deepEqual(faultsInTime(routes(3000, 'auth: none, forward: { token: keep }')), []);
  });
});

describe('a check in a process of its own', () => {
  const file = join(folder, 'child.yaml');
  const task = { program: main, file, env: { PATH: process.env['PATH'] } };

  test('gives the configuration, or its faults', async () => {
    writeFileSync(file, `${valid}realm: "\${REALM}"\n`);
    const good = await loadInChild({ ...task, env: { ...task.env, REALM: 'there' }, running: 2 });
    assert.ok(good.ok);
    assert.deepEqual([good.config.realm, good.config.listeners], ['there', 2]);
    assert.ok(good.config.upstreams instanceof Map);
    const bad = await loadInChild(task);
    assert.ok(!bad.ok);
    assert.match(bad.faults[0]?.message ?? '', /^needs the environment variable REALM/);
  });

  test('ends when its time is over, and says so when the file is not to be had', async () => {
    await assert.rejects(loadInChild({ ...task, limitMs: 1 }), /its check took longer than 1 ms/);
    await assert.rejects(loadInChild({ ...task, file: join(folder, 'none') }), /does not exist/);
  });
});
