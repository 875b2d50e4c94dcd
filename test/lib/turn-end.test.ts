import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { atTurnEnd, labour } from '../../src/lib/turn-end.ts';

test('what is to be written goes before labour, and what labour brings about behind it, in the same turn', async () => {
  const done: string[] = [];
  labour(() => {
    done.push('labour');
    atTurnEnd(() => done.push('brought about'));
  });
  atTurnEnd(() => {
    done.push('write');
    atTurnEnd(() => done.push('another'));
  });
  assert.deepEqual(done, []);
  await turnEnds();
  assert.deepEqual(done, ['write', 'labour', 'another', 'brought about']);
});

test('writing is done in its order when the turn is over, each once, and what it leads to a turn later', async () => {
  const posted: string[] = [];
  const write = (name: string, then?: () => void): void =>
    atTurnEnd(() => {
      posted.push(name);
      then?.();
    });
  write('a');
  write('b', () => write('d'));
  write('c');
  assert.deepEqual(posted, []);
  await turnEnds();
  assert.deepEqual(posted, ['a', 'b', 'c']);
  await turnEnds();
  assert.deepEqual(posted, ['a', 'b', 'c', 'd']);
  await turnEnds();
  assert.equal(posted.length, 4);
});

test('labour from inside labour lets a turn pass', async () => {
  const done: string[] = [];
  labour(() => {
    done.push('one');
    labour(() => done.push('two'));
  });
  await turnEnds();
  assert.deepEqual(done, ['one']);
  await turnEnds();
  assert.deepEqual(done, ['one', 'two']);
});

test('labour is told of those beside it, until there have been none for a while', async () => {
  const told = (): Promise<boolean> => new Promise((resolve) => labour(resolve));
  atTurnEnd(() => {});
  assert.equal(await told(), true);
  let turns = 0;
  while (await told()) turns += 1;
  assert.equal(turns, 15);
  // What it brings about itself does not count as work beside it.
  labour(() => atTurnEnd(() => {}));
  await turnEnds();
  assert.equal(await told(), false);
});

test('one that throws costs no other its turn', () => {
  const program = `
    import { atTurnEnd, labour } from ${JSON.stringify(new URL('../../src/lib/turn-end.js', import.meta.url))};
    process.on('uncaughtException', ({ message }) => console.log(message));
    const say = (word) => () => console.log(word);
    const fail = (word) => () => { throw new Error(word); };
    atTurnEnd(fail('first')); atTurnEnd(say('second'));
    labour(fail('third')); labour(say('fourth'));
    setImmediate(() => atTurnEnd(say('later')));
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.deepEqual(stdout.trim().split('\n').sort(), ['first', 'fourth', 'later', 'second', 'third']);
});
