import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const project = join(import.meta.dirname, '..', '..');
/** A project with two compiled tests, and one whose source is gone. */
const folder = mkdtempSync(join(tmpdir(), 'portcullis-runner-'));
const script = join(folder, 'scripts', 'test.mjs');

before(() => {
  for (const name of ['scripts', 'test', join('dist', 'test')]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync(join(project, 'scripts', 'test.mjs'), script);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of ['light.test', 'weighty.heavy.test', 'removed.test']) {
    const word = name.split('.')[0];
    writeFileSync(
      join(folder, 'dist', 'test', `${name}.js`),
      `import { test } from 'node:test'; test('${word}', () => {});`,
    );
    if (word !== 'removed') writeFileSync(join(folder, 'test', `${name}.ts`), '');
  }
  // A test in a folder whose gateways either engine may serve, and one about a single engine.
  const files = {
    'support/gateway': 'export const engine = process.env.TEST_ENGINE;',
    helper: "export { engine } from './support/gateway.js';",
    'exchange/served.test':
      "import { test } from 'node:test'; import { engine } from '../helper.js'; test('served by ' + engine, () => {});",
    'front/uws/own.test':
      "import { test } from 'node:test'; import { engine } from '../../helper.js'; test('own of ' + engine, () => {});",
  };
  for (const [name, text] of Object.entries(files)) {
    for (const place of ['test', join('dist', 'test')])
      mkdirSync(dirname(join(folder, place, name)), { recursive: true });
    writeFileSync(join(folder, 'test', `${name}.ts`), '');
    writeFileSync(join(folder, 'dist', 'test', `${name}.js`), text);
  }
});
after(() => rmSync(folder, { recursive: true }));

function run(
  args: readonly string[] = [],
  more: NodeJS.ProcessEnv = {},
): Promise<{ code: unknown; text: string }> {
  // Otherwise the test runner in here would take itself for a part of this one.
  const { NODE_TEST_CONTEXT: _, TEST_ENGINE: __, ...others } = process.env;
  const env = { ...others, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

describe('the runner of the tests', () => {
  test('runs all but the heavy ones, and none whose source is gone', async () => {
    const { code, text } = await run();
    assert.equal(code, 0, text);
    assert.match(text, /^. light \(/m);
    assert.doesNotMatch(text, /weighty|removed/);
  });

  test('runs only the heavy ones if asked', async () => {
    const { code, text } = await run(['--heavy']);
    assert.equal(code, 0, text);
    assert.match(text, /^. weighty \(/m);
    assert.doesNotMatch(text, /light|removed/);
  });

  test('runs the files whose gateways either engine may serve once with each', async () => {
    const { code, text } = await run();
    assert.equal(code, 0, text);
    assert.deepEqual(text.match(/(?:served by|own of) \w+/g), [
      'served by uws',
      'own of uws',
      'served by node',
    ]);
    assert.equal(text.match(/^. light \(/gm)?.length, 1);
  });

  test('runs them with one engine if asked', async () => {
    const { code, text } = await run(['served'], { TEST_ENGINE: 'node' });
    assert.equal(code, 0, text);
    assert.deepEqual(text.match(/served by \w+/g), ['served by node']);
  });

  test('runs over TLS what serves requests, and nothing else', async () => {
    const { code, text } = await run([], { TEST_ENGINE: 'tls' });
    assert.equal(code, 0, text);
    assert.deepEqual(text.match(/(?:served by|own of) \w+|light|again/g), ['served by tls']);
  });

  test('lists the files that a word fits, or says that there are none', async () => {
    for (const [args, told] of [
      [['weighty'], 'no test file matches weighty; npm run test:heavy has 1\n'],
      [['--heavy', 'light'], 'no test file matches light; npm test has 1\n'],
      [['removed', 'other'], 'no test file matches removed other\n'],
    ] as const) {
      assert.deepEqual(await run(args), { code: 64, text: told });
    }
  });

  test('fails when a test fails', async () => {
    const file = join(folder, 'dist', 'test', 'failing.test.js');
    writeFileSync(
      file,
      "import { test } from 'node:test'; test('failing', () => { throw new Error('on purpose'); });",
    );
    writeFileSync(join(folder, 'test', 'failing.test.ts'), '');
    const { code, text } = await run(['failing']);
    assert.equal(code, 1, text);
    assert.match(text, /on purpose/);
  });
});
