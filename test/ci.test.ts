import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const script = readFileSync(join(root, '.ci', 'run'), 'utf8');

/** Programs of every machine with Node.js and a shell. */
const everywhere = ['npm', 'taskset'];

/** Programs that the script brings in a step of their own. */
const brought = ['helm'];

const sources = ['test', 'bench'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

/** The words between the brackets of a list in the script. */
function words(list: RegExp): readonly string[] {
  const [, text] = list.exec(script) ?? [];
  assert.ok(text, `${list} is not in .ci/run`);
  return text.split(/\s+/);
}

describe('.ci/run', () => {
  test('installs every program that a test or the benchmark needs', () => {
    const installed = words(/^for entry in (.+); do$/m).map((entry) => entry.split(':')[0]);
    const wanted = new Map<string, string>();
    for (const file of sources) {
      const text = readFileSync(join(root, file), 'utf8');
      for (const [, name = ''] of text.matchAll(/\b(?:needs|findProgram)\('([^']+)'/g))
        wanted.set(name, file);
    }
    assert.ok(wanted.has('haproxy'), 'the programs are named in another way now');
    for (const [name, file] of wanted) {
      if (everywhere.includes(name)) continue;
      if (brought.includes(name)) {
        assert.match(script, new RegExp(`command -v ${name} `), `${file} needs ${name}`);
        continue;
      }
      assert.ok(installed.includes(name), `${file} needs ${name}: add it to the Debian programs of .ci/run`);
    }
  });

  test('runs heavy tests with both Node.js versions, each of which exists', () => {
    const heavy = sources.filter((file) => file.endsWith('.heavy.test.ts'));
    for (const word of words(/^readonly heavy_for_both=\((.+)\)$/m)) {
      assert.ok(
        heavy.some((file) => file.slice('test'.length).includes(word)),
        `no heavy test has ${word} in its path`,
      );
    }
  });
});
