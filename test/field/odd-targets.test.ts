// Source: an adversarial review: the engine alone kept targets without a leading slash away.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineRequest } from '../../src/front/uws/engine.ts';
import { HeadReader } from '../../src/front/uws/head-reader.ts';

const HEAD_BYTES = 16 * 1024;

/** A request as an engine might hand it over that lets every target through. */
const requestFor = (target: string): EngineRequest => ({
  getCaseSensitiveMethod: () => 'GET',
  getUrl: () => target,
  getQuery: () => undefined,
  forEach: (visit) => visit('host', 'a.example'),
});

describe('a target that is no path', () => {
  for (const target of [
    '*',
    '',
    'admin',
    '.',
    './admin',
    '?x',
    'http://b.example/admin',
    'a.example:443',
    '\\admin',
    '%2fadmin',
  ]) {
    test(`${JSON.stringify(target)} is refused, even if the engine lets it through`, () => {
      assert.equal(new HeadReader(HEAD_BYTES).read(requestFor(target)).fault, 'request_malformed');
    });
  }

  test('has neighbours that are paths', () => {
    for (const target of ['/', '/*', '//x', '/a.example:443', '/http://b.example/']) {
      assert.equal(new HeadReader(HEAD_BYTES).read(requestFor(target)).fault, undefined);
    }
  });
});
