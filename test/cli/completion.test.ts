import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needs } from '../support/programs.ts';
import { run } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'gate.yaml'), '');

/** The script of a shell, in a file. */
async function scriptOf(shell: string): Promise<string> {
  const { code, stdout, stderr } = await run(['completion', shell]);
  assert.deepEqual([code, stderr], [0, '']);
  const file = join(folder, `portcullis.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

function outputOf(shell: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(shell, args, { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, ''], stdout);
  return stdout;
}

/** What the usage text of a command, or of the program, names as options. */
async function optionsOf(command: string): Promise<readonly string[]> {
  const { stdout } = await run([command, '--help']);
  return [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)/gm)].flatMap(
    ([, short, long]) => [short, long].filter((flag) => flag !== undefined) as string[],
  );
}

describe('completion in bash', () => {
  let script: string;
  before(async () => {
    script = await scriptOf('bash');
  });

  /** The words that bash offers for the last word of a line, without the names of files that it adds itself. */
  function offered(...words: readonly string[]): readonly string[] {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const source = `source '${script}'; compopt() { echo "compopt $*"; }; COMP_WORDS=(portcullis ${quoted}); COMP_CWORD=${words.length}; _portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return outputOf('bash', ['--norc', '-c', source])
      .split('\n')
      .filter((line) => line !== '');
  }

  test('offers every command of the usage text, and no hidden one', async () => {
    const { stdout } = await run(['--help']);
    const commands = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}(\w+)/gm)].map(
      ([, name]) => name,
    );
    assert.ok(commands.length > 6, stdout);
    assert.deepEqual(offered(''), commands);
    assert.deepEqual(offered('ch'), ['check']);
    assert.deepEqual(offered('list'), []);
  });

  test('offers every option of each command', async () => {
    for (const command of offered('')) {
      assert.deepEqual([...offered(command, '-')].sort(), [...(await optionsOf(command))].sort(), command);
    }
    assert.deepEqual(offered('check', '--s'), ['--strict']);
  });

  test('offers values, and files where a file is wanted', () => {
    assert.deepEqual(offered('demo', '--engine', ''), ['uws', 'node']);
    assert.deepEqual(offered('completion', ''), ['bash', 'zsh', 'fish']);
    for (const words of [
      ['check', '--config', ''],
      ['check', '-c', ''],
      ['start', ''],
      ['init', '--output', ''],
    ]) {
      assert.deepEqual(offered(...words), ['compopt -o default'], words.join(' '));
    }
    assert.deepEqual(offered('demo', '--port', ''), []);
    assert.deepEqual(offered('schema', ''), []);
  });

  test('is at work in the shell itself', () => {
    const line = `source '${script}'; complete -p portcullis`;
    assert.equal(outputOf('bash', ['--norc', '-c', line]), 'complete -F _portcullis portcullis\n');
  });
});

test('zsh reads its script', needs('zsh'), async () => {
  outputOf('zsh', ['-f', '-n', await scriptOf('zsh')]);
});

test('fish reads its script, and offers commands and options', needs('fish'), async () => {
  const script = await scriptOf('fish');
  outputOf('fish', ['--no-config', '--no-execute', script]);
  const offered = (line: string) =>
    outputOf('fish', ['--no-config', '-c', `source '${script}'; complete -C '${line}'`]);
  assert.match(offered('portcullis ch'), /^check\t/);
  assert.match(offered('portcullis check --st'), /^--strict\t/);
  assert.match(offered('portcullis demo --engine '), /^node\t.*\nuws\t.*\n$/);
});

test('another shell is wrong usage', async () => {
  const { code, stderr } = await run(['completion', 'tcsh']);
  assert.equal(code, 64);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
