import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseConfig } from '../src/config/load.ts';
import { jsonSchema } from '../src/config/schema/schema.ts';
import { type Reason, reasons } from '../src/reasons.ts';
import { differences } from './support/engine.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const papers = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'bench/README.md',
  'docs/examples/README.md',
  ...pages,
];

/** Complete configurations: blocks with an address to listen on. */
const configurations = (path: string): string[] =>
  Array.from(text(path).matchAll(/^```yaml\n(.*?)^```$/gms), ([, block = '']) => block).filter((block) =>
    /^listen:/m.test(block),
  );

/** The anchor of a heading, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** Names of the properties that a JSON Schema describes, at every depth. */
function keysOf(schema: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof schema !== 'object' || schema === null) return found;
  for (const [name, part] of Object.entries(schema)) {
    if (name === 'properties') for (const key of Object.keys(part as object)) found.add(key);
    keysOf(part, found);
  }
  return found;
}

describe('the documentation', () => {
  test('shows configurations that are valid without a warning', () => {
    const blocks = ['README.md', ...pages].flatMap(configurations);
    assert.ok(blocks.length >= 2);
    copyFileSync(join(root, 'test', 'fixtures', 'config', 'public-key.pem'), join(folder, 'pubkey.pem'));
    for (const block of blocks) {
      const result = parseConfig({ text: block, file: 'docs', folder, env: {} });
      assert.ok(result.ok, JSON.stringify(result));
      assert.deepEqual(result.config.warnings, []);
    }
  });

  test('shows the example as it is in scripts', () => {
    assert.deepEqual(configurations('docs/configuration.md'), [text('scripts/portcullis.example.yaml')]);
  });

  test('matches the program where it quotes it', () => {
    const line = [join(root, 'scripts', 'docs.mjs'), '--check'];
    const { status, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('names every key of the configuration on its page', () => {
    const page = text('docs/configuration.md');
    // As a key of the example, commented out or not, or in a line of code.
    const named = new Set([
      ...Array.from(page.matchAll(/(?<![\w.])([A-Za-z]\w*):(?!\S*\/\/)/g), ([, key]) => key),
      ...Array.from(page.matchAll(/`(\w+)`/g), ([, key]) => key),
    ]);
    const keys = keysOf(jsonSchema());
    assert.ok(keys.size > 100);
    assert.deepEqual(
      [...keys].filter((key) => !named.has(key)),
      [],
    );
  });

  test('gives every reason its status', () => {
    const rows = text('docs/errors.md').matchAll(/^\| (`[a-z_]+`[^|]*) \| (\d{3})([^|]*) \|/gm);
    const seen = new Set<string>();
    for (const [, words = '', status, more = ''] of rows) {
      for (const [, reason = ''] of words.matchAll(/`([a-z]+_[a-z_]+|draining)`/g)) {
        seen.add(reason);
        const { status: right, retryAfter, close } = reasons[reason as Reason];
        assert.equal(Number(status), right, reason);
        assert.equal(/Retry-After: (\d+)/.exec(more)?.[1], retryAfter?.toString(), reason);
        assert.equal(more.includes('close'), close === true, reason);
      }
    }
    const missing = Object.keys(reasons).filter((reason) => !seen.has(reason));
    assert.deepEqual(missing, []);
  });

  test('has a section for every reason, with its status, its text, its meaning and the remedy', () => {
    const sections = new Map(
      Array.from(
        text('docs/errors.md').matchAll(/^### `(\w+)`\n(.*?)(?=^##)/gms),
        ([, reason = '', body = '']) => [reason, body.trim().split('\n\n')],
      ),
    );
    assert.deepEqual([...sections.keys()].sort(), Object.keys(reasons).sort());
    for (const [reason, [first, ...paragraphs]] of sections) {
      const { status, text: title } = reasons[reason as Reason];
      assert.equal(first, `${status}: ${title}.`, reason);
      // A reason without a response needs no advice yet.
      assert.ok(paragraphs.length >= (reason === 'no_healthy_upstream' ? 1 : 2), reason);
    }
  });

  test('has one line for each difference between the engines that a test names', () => {
    const [, table = ''] =
      /^## Where the engines differ\n.*?^\| --- .*?\n(.*?)\n\n/ms.exec(text('docs/http-semantics.md')) ?? [];
    const lines = Array.from(table.matchAll(/^\| (.*?) \|/gm), ([, what]) => what);
    assert.deepEqual(lines, [...differences]);
    const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'support/engine.ts')
      .map((name) => text(join('test', name)))
      .join('');
    assert.deepEqual(
      differences.filter((what) => !tests.includes(`'${what}'`)),
      [],
    );
  });

  test('is listed in README, each page with the question that it answers', () => {
    const listed = Array.from(text('README.md').matchAll(/^\| \[(docs\/[^\]]+)\]\([^)]+\) \| (.*) \|$/gm));
    const questions = [...pages.filter((path) => path !== 'docs/README.md'), 'docs/examples/README.md'];
    assert.deepEqual(listed.map(([, path]) => path).sort(), questions.sort());
    const list = listed.map(([, path = '', question]) => {
      const name = path.slice('docs/'.length);
      return `| [${name}](${name}) | ${question} |\n`;
    });
    assert.ok(text('docs/README.md').includes(list.join('')));
    for (const [, path = '', question] of listed) {
      assert.equal(/^# (.*)$/m.exec(text(path))?.[1], question, path);
    }
  });

  test('describes the code: every room below those that it imports, and only files that exist', () => {
    const page = text('docs/architecture.md');
    const [, table = ''] = /^\| room \| has \|\n(.*?)\n\n/ms.exec(page) ?? [];
    const rows = Array.from(table.matchAll(/^\| (`.*?) \|/gm), ([, names = '']) => names.match(/\w+/g) ?? []);
    const rooms = rows.flat();
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((one) =>
      one.isDirectory(),
    );
    assert.deepEqual(rooms.toSorted(), folders.map(({ name }) => name).sort());
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const place = rooms.indexOf(file.split('/')[0] as string);
      for (const [, from = ''] of text(`src/${file}`).matchAll(/^(?:import|export) .*?from '(\.[^']+)'/gms)) {
        const other = rooms.indexOf(
          relative('src', join('src', dirname(file), from)).split('/')[0] as string,
        );
        assert.ok(place < 0 || other <= place, `${file}: ${from}`);
      }
    }
    const names = new Set(files.map((file) => file.split('/').at(-1)));
    for (const [, path = ''] of page.matchAll(/(?<![\w/.-])([\w./-]+\.ts)\b/g)) {
      // A name alone stands beside a path that was given before.
      if (!path.includes('/')) assert.ok(names.has(path), path);
      else assert.ok(existsSync(join(root, 'src', path)) || existsSync(join(root, path)), path);
    }
  });

  test('has no broken link', () => {
    for (const from of papers) {
      for (const [, target = ''] of text(from).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? from : join(dirname(from), path);
        assert.ok(existsSync(join(root, to)), `${from}: ${target}`);
        if (anchor === undefined) continue;
        const anchors = Array.from(text(to).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => anchorOf(heading));
        assert.ok(anchors.includes(anchor), `${from}: ${target}`);
      }
    }
  });
});
