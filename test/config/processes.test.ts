import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configFromObject, parseConfig } from '../../src/config/load.ts';
import { configOf, faultsOf, fixtures } from './check.ts';

const withLimit = (connections: number): string =>
  `auth: none\nupstream: app\nupstreams: { app: { servers: ["http://127.0.0.1:9"], limits: { connections: ${connections} } } }\n`;
const rest = withLimit(256);

function processesOf(text: string, cores: number): readonly [listeners: number, verifiers: number] {
  const { listeners, verifiers } = configOf(`listen: 127.0.0.1:0\n${rest}${text}`, {}, cores);
  return [listeners, verifiers];
}

describe('processes and threads', () => {
  for (const [text, cores, expected] of [
    ['', 1, [1, 0]],
    ['', 2, [2, 0]],
    ['', 4, [4, 0]],
    ['', 64, [64, 0]],
    ['', 128, [64, 1]],
    ['', 192, [64, 2]],
    ['listeners: 1', 1, [1, 0]],
    ['listeners: 1', 2, [1, 1]],
    ['listeners: 1', 8, [1, 7]],
    ['listeners: 1', 64, [1, 8]],
    ['listeners: 2', 8, [2, 3]],
    ['listeners: 5', 8, [5, 0]],
    ['listeners: 4', 2, [4, 0]],
    ['listeners: 4', 1, [4, 0]],
    ['listeners: auto\nverifiers: 0', 4, [4, 0]],
    ['listeners: 3\nverifiers: 64', 4, [3, 64]],
    // Limits are divided, so there are no more workers than units of the smallest limit.
    ['limits: { connections: 3 }', 8, [3, 1]],
    ['limits: { bufferedBodies: 5MiB }', 8, [5, 0]],
  ] as const) {
    test(`${text.replaceAll('\n', ', ')} on ${cores} cores`, () =>
      assert.deepEqual(processesOf(text, cores), expected));
  }

  test('are no more than the connections that an upstream allows', () => {
    const config = configOf(`listen: 127.0.0.1:0\n${withLimit(2)}`, {}, 8);
    assert.equal(config.listeners, 2);
    assert.deepEqual(faultsOf(`listen: 127.0.0.1:0\n${withLimit(2)}listeners: 3\n`), [
      'f:5:12: listeners: is more than the limits can be divided by; must be at most 2, or limits.connections, limits.connections of each upstream, connections of each server, and every MiB of limits.bufferedBodies at least as many',
    ]);
  });

  test('are one for unix sockets, which cannot be shared', () => {
    assert.equal(configOf(`listen: unix:/run/x.sock\n${rest}`, {}, 8).listeners, 1);
    assert.equal(configOf(`listen: [unix:/run/x.sock, 127.0.0.1:0]\n${rest}`, {}, 8).listeners, 8);
    assert.deepEqual(faultsOf(`listen: unix:/run/x.sock\n${rest}listeners: 2\n`), [
      'f:5:12: listeners: is above 1, but one process alone can serve a unix socket; must be 1 or auto, or listen on a TCP address too',
    ]);
  });

  test('keep their number when the configuration is read again, even with other cores', () => {
    const again = (text: string, running: number): ReturnType<typeof parseConfig> =>
      parseConfig({
        text: `listen: 127.0.0.1:0\n${text}`,
        file: 'f',
        folder: fixtures,
        env: {},
        cores: 8,
        running,
      });
    const same = again(rest, 3);
    assert.ok(same.ok);
    assert.deepEqual([same.config.listeners, same.config.verifiers], [3, 1]);
    const other = again(`${rest}listeners: 4\n`, 3);
    assert.equal(other.ok && other.config.listeners, 4);
    const narrow = again(withLimit(2), 3);
    assert.ok(!narrow.ok);
    assert.match(narrow.faults[0]?.message ?? '', /must be at most 2, or limits\.connections/);
  });

  test('are one in a gateway that is part of another program', () => {
    const object = { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:9', auth: 'none' };
    const one = configFromObject(object, fixtures, {});
    const several = configFromObject({ ...object, listeners: 4, verifiers: 3 }, fixtures, {});
    assert.ok(one.ok && several.ok);
    const quiet = one.config.warnings.length;
    assert.equal(one.config.listeners, 1);
    assert.deepEqual([several.config.listeners, several.config.verifiers], [1, 3]);
    assert.deepEqual(several.config.warnings.slice(quiet), [
      'config: listeners: counts for the command start alone; an embedded gateway is one process',
    ]);
  });
});
