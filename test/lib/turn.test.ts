import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { beforeEach, test } from 'node:test';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { Turn } from '../../src/lib/turn.ts';

let turn: Turn;

beforeEach(() => {
  turn = new Turn();
});

test('writes go before work, and so do the writes that work causes, in the same turn', async () => {
  const done: string[] = [];
  turn.afterWrites(() => {
    done.push('work');
    turn.atEnd(() => done.push('brought about'));
  });
  turn.atEnd(() => {
    done.push('write');
    turn.atEnd(() => done.push('another'));
  });
  assert.deepEqual(done, []);
  await turnEnds();
  assert.deepEqual(done, ['write', 'work', 'another', 'brought about']);
});

test('writes are done in order at the end of the turn, each once, and the writes they cause a turn later', async () => {
  const posted: string[] = [];
  const write = (name: string, then?: () => void): void =>
    turn.atEnd(() => {
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

test('work from inside work lets a turn pass', async () => {
  const done: string[] = [];
  turn.afterWrites(() => {
    done.push('one');
    turn.afterWrites(() => done.push('two'));
  });
  await turnEnds();
  assert.deepEqual(done, ['one']);
  await turnEnds();
  assert.deepEqual(done, ['one', 'two']);
});

test('work learns of other work, until there has been none for a while', async () => {
  const told = (): Promise<boolean> => new Promise((resolve) => turn.afterWrites(resolve));
  turn.atEnd(() => {});
  assert.equal(await told(), true);
  let turns = 0;
  while (await told()) turns += 1;
  assert.equal(turns, 15);
  // Work that it causes itself does not count as other work.
  turn.afterWrites(() => turn.atEnd(() => {}));
  await turnEnds();
  assert.equal(await told(), false);
});

test('one that throws costs no other its turn', () => {
  const program = `
    import { Turn } from ${JSON.stringify(new URL('../../src/lib/turn.js', import.meta.url))};
    const turn = new Turn();
    process.on('uncaughtException', ({ message }) => console.log(message));
    const say = (word) => () => console.log(word);
    const fail = (word) => () => { throw new Error(word); };
    turn.atEnd(fail('first')); turn.atEnd(say('second'));
    turn.afterWrites(fail('third')); turn.afterWrites(say('fourth'));
    setImmediate(() => turn.atEnd(say('later')));
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.deepEqual(stdout.trim().split('\n').sort(), ['first', 'fourth', 'later', 'second', 'third']);
});
