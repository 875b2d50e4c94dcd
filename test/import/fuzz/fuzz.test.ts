import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findProgram } from '../../../bench/programs.ts';
import { importHaproxy } from '../../../src/import/haproxy.ts';
import { Random } from '../../support/fuzz/random.ts';
import { needs } from '../../support/programs.ts';
import { rsaKey } from '../../support/tokens.ts';
import { configurations } from '../configurations.ts';
import { askBoth } from '../pair.ts';
import { requestsFor, tokensOf } from '../requests.ts';
import { Stand, speaksTls } from '../stand.ts';
import { isRule, mutateFile } from './mutate.ts';

/** IMPORT_FUZZ=N takes that many mutants, IMPORT_SEED another beginning. */
const MUTANTS = Number(process.env['IMPORT_FUZZ'] ?? 40);
const SEED = Number(process.env['IMPORT_SEED'] ?? 18);
const REQUESTS = 16;

const files = configurations();
const donors = files.flatMap(({ text }) =>
  text.split('\n').filter((line) => isRule(line) && !/server |backend /.test(line)),
);

test('no text makes the import fail', () => {
  const random = new Random(SEED);
  const pieces = [
    '"',
    "'",
    '\\',
    '#',
    '{',
    '}',
    '!',
    '(',
    ')',
    ',',
    '%[',
    '\0',
    '\u{e000}',
    ' or ',
    ' if ',
    '\n',
    '${A',
    '-m',
    '-f',
    'acl a ',
    '\xff',
  ];
  for (let at = 0; at < 3000; at += 1) {
    let { text } = random.pick(files);
    for (let times = 1 + random.below(8); times > 0; times -= 1) {
      const place = random.below(text.length + 1);
      const cut = random.below(3) === 0 ? random.below(40) : 0;
      text = text.slice(0, place) + random.pick(pieces) + text.slice(place + cut);
    }
    assert.doesNotThrow(
      () => importHaproxy({ text, file: 'f', env: {}, read: () => undefined, list: () => undefined }),
      text,
    );
  }
});

describe('mutants of the configurations', needs('haproxy'), () => {
  let stand: Stand;
  before(() => {
    stand = new Stand();
  });
  after(() => stand?.close());

  test('what HAProxy refuses, the gateway refuses', async (context) => {
    const random = new Random(SEED);
    const tokens = tokensOf(stand.key, rsaKey());
    let compared = 0;
    let isOpen = 0;
    for (let at = 0; at < MUTANTS; at += 1) {
      const text = mutateFile(random.pick(files).text, donors, random);
      if (!(await isValid(stand, text)) || (await stand.imports(text)) === undefined) continue;
      const haproxy = await stand.haproxy(text);
      try {
        const { gateway, ...ports } = await stand.gateway(text).catch((error: unknown) => {
          throw new Error(`mutant ${at}: no gateway starts with its import\n${text}`, { cause: error });
        });
        try {
          if (/ssl crt/.test(text)) for (const port of [haproxy.second, ports.second]) speaksTls(port);
          for (const asked of requestsFor(text, REQUESTS, at)) {
            const { theirs, ours } = await askBoth(haproxy, ports, asked, tokens);
            compared += 1;
            if (ours.seen !== undefined) isOpen += 1;
            const told = `mutant ${at}: ${JSON.stringify(asked)}\n${text}\n${ports.imported.text}`;
            assert.ok(theirs.seen !== undefined || ours.seen === undefined, told);
          }
        } finally {
          await gateway.close({ graceMs: 0 });
        }
      } finally {
        await haproxy.close();
      }
    }
    context.diagnostic(`${compared} requests, ${isOpen} let in`);
    assert.ok(MUTANTS < 40 || isOpen > compared / 20, 'most mutants would be closed');
  });
});

async function isValid(stand: Stand, text: string): Promise<boolean> {
  const file = join(stand.folder, 'mutant.cfg');
  writeFileSync(file, await stand.fill(text, 1, 2));
  return spawnSync(findProgram('haproxy') as string, ['-c', '-f', file], { stdio: 'ignore' }).status === 0;
}
