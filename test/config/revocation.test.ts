import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { configOf, faultsOf, fixtures } from './check.ts';

const secret = 'x'.repeat(32);
const file = (revocation: string, more = ''): string => `listen: 127.0.0.1:1
upstream: http://127.0.0.1:9000
issuers:
  main: { issuer: x, audience: a, algorithms: [RS256], keys: { pem: public-key.pem }${more} }
revocation: ${revocation}
`;

describe('revocation', () => {
  test('has defaults for everything but the senders', () => {
    assert.deepEqual(configOf(`${file(`{ secret: ${secret} }`)}state: kept`).revocation, {
      secret,
      tokenLifeMs: 86_400_000,
      entries: 100_000,
      redis: undefined,
      fusionauth: undefined,
    });
    assert.equal(configOf(file('{}').replace('revocation: {}', '')).revocation, undefined);
  });

  test('takes webhooks with a key of the issuer or with a secret, whose length selects the algorithm', () => {
    const webhooks = (more: string) =>
      configOf(file(`{ fusionauth: { issuer: main${more} }, tokenLife: 2h, entries: 5 }`)).revocation;
    assert.deepEqual(webhooks(', listen: 127.0.0.1:9091'), {
      secret: undefined,
      tokenLifeMs: 7_200_000,
      entries: 5,
      redis: undefined,
      fusionauth: { issuer: 'main', listen: { host: '127.0.0.1', port: 9091 }, key: undefined },
    });
    for (const [length, algorithms] of [
      [32, ['HS256']],
      [48, ['HS256', 'HS384']],
      [64, ['HS256', 'HS384', 'HS512']],
    ] as const) {
      assert.deepEqual(webhooks(`, secret: ${'y'.repeat(length)}`)?.fusionauth?.key?.algorithms, algorithms);
    }
  });

  test('is at fault when it can do nothing, or less than it says', () => {
    const faults = (revocation: string): readonly string[] =>
      faultsOf(file(revocation)).map((fault) => fault.replace(/^f:\d+:\d+: /, ''));
    const hint = `32 to 512 visible ASCII characters, best as \${NAME} from the environment`;
    assert.deepEqual(faults('{}'), [
      'revocation: has no source of revocations; must have secret, fusionauth or redis',
    ]);
    assert.deepEqual(faults('{ secret: short }'), [
      `revocation.secret: is short enough to be guessed; must be ${hint}`,
    ]);
    assert.deepEqual(faults(`{ secret: "two words ${secret}" }`), [
      `revocation.secret: does not fit; must be ${hint}`,
    ]);
    assert.deepEqual(faults('{ fusionauth: {} }'), [
      'revocation.fusionauth.issuer: is missing; must be the name of an issuer',
    ]);
    assert.deepEqual(faults('{ fusionauth: { issuer: mian } }'), [
      'revocation.fusionauth.issuer: is not the name of an issuer; must be main if that is meant',
    ]);
    for (const taken of ['127.0.0.1:1', '127.0.0.1:9090', '0.0.0.0:9090']) {
      assert.match(
        faults(`{ fusionauth: { issuer: main, listen: "${taken}" } }`).join(),
        /^revocation\.fusionauth\.listen: asks for a port that .* has already/,
      );
    }
    assert.match(
      faults('{ fusionauth: { issuer: main, secret: short } }').join(),
      /^revocation\.fusionauth\.secret: has 5 bytes; must have at least 32 for HS256/,
    );
    assert.match(
      faults(`{ secret: ${secret}, tokenLife: 1s }`).join(),
      /^revocation\.tokenLife: is out of range/,
    );
    assert.match(faults(`{ secret: ${secret}, entries: 0 }`).join(), /^revocation\.entries: is out of range/);
  });

  test('takes a Redis, on which readiness may depend', () => {
    const redis = (text: string) => configOf(file(text)).revocation?.redis;
    const url = 'rediss://user:password@redis.example:6380/1';
    assert.deepEqual(redis(`{ redis: "${url}" }`), { url, required: false, secret: undefined });
    assert.deepEqual(redis(`{ redis: "${url}", redisRequired: true }`), {
      url,
      required: true,
      secret: undefined,
    });
    for (const wrong of [
      'redis://',
      'redis://a b',
      'http://redis.example',
      'redis://a:99999',
      '127.0.0.1:6379',
    ]) {
      assert.match(
        faultsOf(file(`{ redis: "${wrong}" }`)).join(),
        /^f:5:22: revocation\.redis: does not fit; must be a URL such as redis:\/\/127\.0\.0\.1:6379$/,
        wrong,
      );
    }
    for (const [wrong, words] of [
      ['redis://user:hidden@a/orders', 'names a database that is no number'],
      ['redis://user:hidden@a/1/2', 'names a database that is no number'],
      ['redis://user:hidden@a/1.5', 'names a database that is no number'],
      ['redis://user:hidden@a/-1', 'names a database that is no number'],
      [
        'redis://user:100%hidden@a',
        'has a % in the user or password that encodes nothing, where %25 may be meant',
      ],
    ] as const) {
      assert.deepEqual(faultsOf(file(`{ redis: "${wrong}" }`)), [
        `f:5:22: revocation.redis: ${words}; must be a URL such as redis://127.0.0.1:6379`,
      ]);
    }
    for (const right of [
      'redis://a/',
      'redis://a/15',
      'redis://us%65r:100%25@[::1]:6380/0?x',
      'redis://user@a',
    ]) {
      assert.equal(redis(`{ redis: "${right}" }`)?.url, right);
    }
    assert.match(
      faultsOf(file(`{ secret: ${secret}, redisRequired: true }`)).join(),
      /revocation\.redisRequired: is there without redis; must be left out$/,
    );
  });

  test('takes a secret by which shared revocations are signed, and warns without one', () => {
    const url = 'redis://127.0.0.1';
    const long = 'y'.repeat(32);
    const signed = file(`{ redis: "${url}", redisSecret: ${long} }`);
    assert.equal(configOf(signed).revocation?.redis?.secret, long);
    const warnings = (text: string): string => configOf(text).warnings.join();
    assert.doesNotMatch(warnings(signed), /redisSecret/);
    assert.match(
      warnings(file(`{ redis: "${url}" }`)),
      /revocation\.redis: without redisSecret: everybody who can write to that Redis can revoke any token/,
    );
    for (const [text, wrong] of [
      [
        `{ redis: "${url}", redisSecret: ${'y'.repeat(31)} }`,
        /redisSecret: is short enough to be guessed; must be/,
      ],
      [`{ redis: "${url}", redisSecret: "${long} ${long}" }`, /redisSecret: does not fit; must be/],
      [`{ redis: "${url}", redisSecret: 7 }`, /redisSecret: .*must be/],
      [
        `{ secret: ${secret}, redisSecret: ${long} }`,
        /redisSecret: is there without redis; must be left out/,
      ],
    ] as const) {
      assert.match(faultsOf(file(text)).join(), wrong, text);
    }
  });

  test('warns when a restart forgets, and when a revocation must be kept for ever', () => {
    const warnings = (text: string): readonly string[] => {
      const result = parseConfig({ text, file: 'f', folder: fixtures, env: {} });
      assert.ok(result.ok, JSON.stringify(result));
      return result.config.warnings.filter((warning) => warning.includes('revocations'));
    };
    const one = file(`{ secret: ${secret} }`);
    assert.match(
      warnings(one).join(),
      /^f:5:13: revocation: without state or redis: revocations are lost at a restart$/,
    );
    assert.deepEqual(warnings(`${one}state: kept`), []);
    assert.deepEqual(warnings(file('{ redis: redis://127.0.0.1 }')), []);
    const lasting = file(`{ secret: ${secret} }`, ', expiry: optional');
    assert.match(warnings(`${lasting}state: kept`).join(), /expiry: optional: revocations .* kept for ever/);
    const young = file(`{ secret: ${secret} }`, ', expiry: optional, maxAge: 1h');
    assert.deepEqual(warnings(`${young}state: kept`), []);
  });
});
