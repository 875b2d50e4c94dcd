// Source: an adversarial review, what held: 37,000 verdicts of a warm cache against a fresh one, across key changes, clock steps and revocations.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { issuer, publicKey, Setup, secretKey } from '../auth/support.ts';
import { newList, revocationOf } from '../revocation/support.ts';
import { Chance } from '../soak/chance.ts';
import { keyPair, signToken } from '../support/tokens.ts';

/** Two runs of that many events; after each, every token is presented on two routes, twice: 37,440 verdicts. */
const STEPS = 78;
const TOKENS = 60;
/** The same events each time. */
const SEED = 20_261_130;

const pairs = [keyPair('ES256'), keyPair('ES256')] as const;
const secrets = [
  'the first secret, which is long enough',
  'the second secret, which is long enough',
] as const;
const names = ['curve', 'shared'] as const;
type Name = (typeof names)[number];

/** Key sets between which an issuer changes: other keys, other names for them, the same name for another, none. */
const keySets = {
  curve: [
    [publicKey(pairs[0], ['ES256'], 'a')],
    [publicKey(pairs[1], ['ES256'], 'a')],
    [publicKey(pairs[0], ['ES256'], 'a'), publicKey(pairs[1], ['ES256'], 'b')],
    [publicKey(pairs[0], ['ES256'])],
    [],
  ],
  shared: [
    [secretKey(secrets[0], 'a')],
    [secretKey(secrets[1], 'a')],
    [secretKey(secrets[0], 'a'), secretKey(secrets[1], 'b')],
    [secretKey(secrets[1])],
    [],
  ],
} as const;

const chance = new Chance(SEED);
/** The key set in force. */
const inForce = { curve: 0, shared: 0 };
const revocations = newList();

const configOf = (name: Name) =>
  issuer({
    name,
    issuer: name,
    algorithms: [name === 'curve' ? 'ES256' : 'HS256'],
    keys: keySets[name][inForce[name]] ?? [],
    require: name === 'shared' ? ['sub'] : [],
    clockToleranceMs: name === 'curve' ? 2000 : 0,
  });

/** An authorizer with the keys in force, and two routes with another identity for upstream and other issuers. */
function start(cache = { entries: 1000, bytes: 1 << 24 }) {
  const setup = new Setup({ issuers: names.map(configOf), verifiers: 0, revocations, cache });
  const routes = [setup.route(names, { 'X-User': 'sub' }), setup.route(['shared'], { 'X-Token': 'jti' })];
  return { setup, routes };
}

/** Every part of the verdict on one token. */
async function verdict({ setup, routes }: ReturnType<typeof start>, token: string, at: number) {
  const outcome = await setup.ask(token, routes[at]);
  return outcome.kind === 'permit'
    ? ['permit', outcome.headers, outcome.stripToken]
    : [outcome.reason, outcome.stage, outcome.scope];
}

function tokenOf(setup: Setup, jti: number): string {
  const name = chance.of(names);
  const which = chance.below(2);
  const exp = setup.clock.seconds(chance.of([20, 60, 200, 900, 3600]));
  const claims = {
    iss: chance.once(12) ? 'another' : name,
    aud: chance.once(12) ? 'another' : 'app-1',
    sub: chance.once(12) ? undefined : `user-${chance.below(8)}`,
    jti: String(jti),
    iat: setup.clock.seconds(-chance.below(60)),
    nbf: chance.once(3) ? setup.clock.seconds(chance.below(60) - 20) : undefined,
    exp,
  };
  const kid = chance.of(['a', 'b', undefined]);
  const algorithm = name === 'curve' ? 'ES256' : 'HS256';
  const key = name === 'curve' ? pairs[which as 0 | 1] : secrets[which as 0 | 1];
  return signToken(algorithm, key, setup.claims(claims), { alg: algorithm, kid });
}

/** An event that may change a verdict. */
function disturb(setup: Setup): string {
  const seconds = setup.clock.seconds();
  const events: readonly (() => string)[] = [
    () => {
      const name = chance.of(names);
      inForce[name] = chance.below(keySets[name].length);
      setup.authorizer.setKeys(name, keySets[name][inForce[name]] ?? []);
      return `keys ${inForce[name]} of ${name}`;
    },
    () => {
      const step = chance.of([-90, -20, -1, 1, 5, 20, 60, 120]);
      setup.clock.now += step * 1000;
      return `clock by ${step} s`;
    },
    () => {
      const jti = String(chance.below(TOKENS));
      revocations.add(revocationOf({ jti, before: seconds, expiresAt: seconds + 3600 }));
      return `revocation of ${jti}`;
    },
    () => {
      const sub = `user-${chance.below(8)}`;
      const before = seconds - chance.below(60);
      revocations.add(revocationOf({ issuer: chance.of(names), sub, before, expiresAt: seconds + 30 }));
      revocations.sweep(seconds);
      return `revocation of ${sub}`;
    },
    () => 'nothing',
  ];
  return chance.of(events)();
}

describe('a remembered token has the verdict of a new one', () => {
  for (const [what, cache] of [
    ['with room for all of them', { entries: 1000, bytes: 1 << 24 }],
    ['with room for a few', { entries: 7, bytes: 1 << 24 }],
  ] as const) {
    test(`across changes of keys, steps of the clock and revocations, ${what}`, async () => {
      const warm = start(cache);
      const pool = Array.from({ length: TOKENS }, (_, jti) => tokenOf(warm.setup, jti));
      const seen = new Set<unknown>();
      let verdicts = 0;
      for (let step = 0; step < STEPS; step += 1) {
        const event = disturb(warm.setup);
        const fresh = [start(), start()] as const;
        for (const [jti, token] of pool.entries()) {
          const at = chance.below(2);
          for (const route of [at, 1 - at]) {
            const other = fresh[route as 0 | 1];
            other.setup.clock.now = warm.setup.clock.now;
            const expected = await verdict(other, token, route);
            const text = `step ${step}, ${event}, token ${jti}, route ${route}`;
            assert.deepEqual(await verdict(warm, token, route), expected, text);
            assert.deepEqual(await verdict(warm, token, route), expected, `${text}, again`);
            seen.add(expected[0]);
            verdicts += 2;
          }
        }
        // Some of them are never used up: the pool goes on with new ones.
        for (let count = 3; count > 0; count -= 1) {
          const jti = chance.below(TOKENS);
          pool[jti] = tokenOf(warm.setup, jti);
        }
        for (const { setup } of fresh) await setup.authorizer.close();
      }
      assert.equal(verdicts, STEPS * TOKENS * 4);
      assert.ok(warm.setup.counters.cacheHits.value > 100, 'the cache was of use');
      assert.deepEqual([...seen].sort(), [
        'algorithm_not_allowed',
        'audience_mismatch',
        'claim_missing',
        'issuer_mismatch',
        'key_unknown',
        'keys_unavailable',
        'permit',
        'signature_invalid',
        'token_expired',
        'token_not_yet_valid',
        'token_revoked',
      ]);
      await warm.setup.authorizer.close();
    });
  }
});
