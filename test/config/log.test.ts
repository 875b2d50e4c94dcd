import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const file = (log: string): string =>
  `listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:9000\nauth: none\nlog: ${log}\n`;

const right = 'must be off, errors, all, or a rate above 0% and up to 100%, such as 1% or 0.1%';
const orMapping = `${right}, or a mapping where more is to be said`;

describe('log.access', () => {
  for (const [text, access] of [
    ['{}', 'off'],
    ['{ access: off }', 'off'],
    ['{ access: errors }', 'errors'],
    ['{ access: all }', 1],
    ['{ access: 100% }', 1],
    ['{ access: 25% }', 0.25],
    ['{ access: 0.000001% }', 1e-8],
    ['{ level: debug, access: all }', 1],
  ] as const) {
    test(`${text} is ${access}`, () => assert.equal(configOf(file(text)).log.access, access));
  }

  for (const [text, fault] of [
    ['{ access: 0% }', `f:4:16: log.access: "0%" is out of range; ${right}`],
    ['{ access: 100.1% }', `f:4:16: log.access: "100.1%" is out of range; ${right}`],
    ['{ access: on }', `f:4:16: log.access: "on" does not fit; ${orMapping}`],
    ['{ access: 1 }', `f:4:16: log.access: is a number; ${orMapping}`],
    ['{ access: true }', `f:4:16: log.access: is true; ${orMapping}`],
    [
      '{ level: warn, access: errors }',
      'f:4:29: log.access: needs log.level info or debug, which is warn; must be off, or the level another',
    ],
  ] as const) {
    test(`${text} is a fault`, () => assert.deepEqual(faultsOf(file(text)), [fault]));
  }

  for (const [text, refused] of [
    ['{}', undefined],
    ['{ refused: off }', undefined],
    ['{ refused: details }', 'details'],
    ['{ level: debug, refused: details }', 'details'],
  ] as const) {
    test(`of refused tokens, ${text} is ${refused}`, () =>
      assert.equal(configOf(file(text)).log.refused, refused));
  }

  for (const [text, fault] of [
    ['{ refused: all }', 'f:4:17: log.refused: does not fit; must be off or details'],
    ['{ refused: true }', 'f:4:17: log.refused: is true; must be off or details'],
    [
      '{ level: error, refused: details }',
      'f:4:31: log.refused: needs log.level info or debug, which is error; must be off, or the level another',
    ],
  ] as const) {
    test(`of refused tokens, ${text} is a fault`, () => assert.deepEqual(faultsOf(file(text)), [fault]));
  }

  test('its format is json or text', () => {
    assert.deepEqual(
      ['{}', '{ format: json }', '{ format: text }'].map((text) => configOf(file(text)).log.format),
      [undefined, undefined, 'text'],
    );
    assert.deepEqual(faultsOf(file('{ format: logfmt }')), [
      'f:4:16: log.format: does not fit; must be json or text',
    ]);
  });

  test('off goes with every level', () => {
    assert.equal(configOf(file('{ level: error, access: off }')).log.level, 'error');
  });
});
