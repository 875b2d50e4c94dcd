import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { IssuerConfig } from '../../src/config/config.ts';
import { rsaKey, signToken, type TestKey } from '../support/tokens.ts';
import { forward, issuer, publicKey, Setup } from './support.ts';

const [oneKey, twoKey, evilKey] = [rsaKey(), rsaKey(), rsaKey()];

/** Two issuers with different keys of the same names. */
const issuers = (changes: Partial<IssuerConfig> = {}): IssuerConfig[] =>
  (
    [
      ['one', oneKey],
      ['two', twoKey],
    ] as const
  ).map(([name, key]) =>
    issuer({
      name,
      issuer: `https://${name}.example`,
      algorithms: ['RS256'],
      keys: [publicKey(key, ['RS256'], 'key-1')],
      ...changes,
    }),
  );

function make(setup: Setup, key: TestKey, iss: string, header: object = {}, claims: object = {}): string {
  const payload = setup.claims({ iss: `https://${iss}.example`, ...claims });
  return signToken('RS256', key, payload, { alg: 'RS256', typ: 'JWT', kid: 'key-1', ...header });
}

async function withSetup(
  configs: readonly IssuerConfig[],
  run: (setup: Setup) => Promise<void>,
): Promise<void> {
  const setup = new Setup({ issuers: configs });
  await setup.authorizer.start();
  try {
    await run(setup);
  } finally {
    await setup.authorizer.close();
  }
}

const invalid = 'signature_invalid signature';

describe('two issuers with the same kid', () => {
  test('on one route: each verifies its own tokens, known or not', () =>
    withSetup(issuers(), async (setup) => {
      for (let round = 0; round < 2; round += 1) {
        assert.equal(await setup.verdict(make(setup, oneKey, 'one')), 'permit');
        assert.equal(await setup.verdict(make(setup, twoKey, 'two')), 'permit');
        assert.equal(await setup.verdict(make(setup, oneKey, 'two')), invalid);
        assert.equal(await setup.verdict(make(setup, twoKey, 'one')), invalid);
        assert.equal(await setup.verdict(make(setup, oneKey, 'three')), 'issuer_mismatch issuer');
      }
    }));

  test('at the same time', () =>
    withSetup(issuers(), async (setup) => {
      const asked = [
        [oneKey, 'one', 'permit'],
        [oneKey, 'two', invalid],
        [twoKey, 'two', 'permit'],
        [twoKey, 'one', invalid],
      ] as const;
      const verdicts = await Promise.all(asked.map(([key, iss]) => setup.verdict(make(setup, key, iss))));
      assert.deepEqual(
        verdicts,
        asked.map(([, , expected]) => expected),
      );
    }));

  test('on different routes: a token of the other issuer is refused, in any order', () =>
    withSetup(issuers(), async (setup) => {
      const [first, second] = [setup.route(['one']), setup.route(['two'])];
      const [of1, of2] = [make(setup, oneKey, 'one'), make(setup, twoKey, 'two')];
      for (let round = 0; round < 2; round += 1) {
        assert.equal(await setup.verdict(of1, first), 'permit');
        assert.equal(await setup.verdict(of1, second), 'issuer_mismatch issuer');
        assert.equal(await setup.verdict(of2, second), 'permit');
        assert.equal(await setup.verdict(of2, first), 'issuer_mismatch issuer');
      }
    }));

  test('new keys of one issuer do not affect the other', () =>
    withSetup(issuers(), async (setup) => {
      const [of1, of2] = [make(setup, oneKey, 'one'), make(setup, twoKey, 'two')];
      assert.equal(await setup.verdict(of1), 'permit');
      assert.equal(await setup.verdict(of2), 'permit');
      const misses = setup.counters.cacheMisses.value;
      setup.authorizer.setKeys('one', [publicKey(evilKey, ['RS256'], 'key-1')]);
      assert.equal(await setup.verdict(of2), 'permit');
      assert.equal(setup.counters.cacheMisses.value, misses, 'from the cache');
      assert.equal(await setup.verdict(of1), invalid);
      assert.equal(await setup.verdict(make(setup, evilKey, 'one')), 'permit');
      assert.equal(await setup.verdict(make(setup, evilKey, 'two')), invalid);
    }));

  test('each issuer has its own rules', () =>
    withSetup(
      [
        ...issuers({ tokenTypes: ['at+jwt'], require: ['tenant'], maxAgeMs: 60_000 }).slice(0, 1),
        ...issuers({ rejectIdTokens: true }).slice(1),
      ],
      async (setup) => {
        const iat = setup.clock.seconds();
        const verdict = (key: TestKey, iss: string, header: object, claims: object) =>
          setup.verdict(make(setup, key, iss, header, claims));
        assert.equal(await verdict(oneKey, 'one', {}, {}), 'claim_missing expiry');
        assert.equal(await verdict(oneKey, 'one', {}, { iat }), 'claim_missing expiry');
        assert.equal(await verdict(oneKey, 'one', {}, { iat, tenant: 1 }), 'claim_mismatch rules');
        assert.equal(
          await verdict(oneKey, 'one', { typ: 'at+jwt' }, { iat, tenant: 1, nonce: 'n' }),
          'permit',
        );
        assert.equal(await verdict(twoKey, 'two', {}, {}), 'permit');
        assert.equal(await verdict(twoKey, 'two', {}, { nonce: 'n' }), 'claim_mismatch rules');
      },
    ));

  test('the rules of a route hold for both issuers', () =>
    withSetup(issuers(), async (setup) => {
      const policy = setup.authorizer.policy({
        auth: ['one', 'two'],
        forward: forward(),
        require: { scopes: { match: 'all', values: ['a'] }, roles: undefined, claims: [] },
      });
      for (const [key, iss] of [
        [oneKey, 'one'],
        [twoKey, 'two'],
      ] as const) {
        assert.equal(await setup.verdict(make(setup, key, iss), policy), 'scope_insufficient rules');
        assert.equal(await setup.verdict(make(setup, key, iss, {}, { scope: 'a' }), policy), 'permit');
      }
    }));
});

describe('keys inside a token', () => {
  const jwk = { ...evilKey.publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'RS256', use: 'sig' };

  test('are not used, and their URLs are not fetched', async () => {
    let connections = 0;
    const trap = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    trap.listen(0, '127.0.0.1');
    await once(trap, 'listening');
    const { port } = trap.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/jwks.json`;
    const der = evilKey.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const headers: object[] = [
      { jwk },
      { jku: url },
      { x5u: url },
      { x5c: [der] },
      { jku: url, kid: url },
      { kid: url },
      { jku: url, kid: undefined },
      { iss: url, jku: url, x5u: url, x5c: [der], jwk, 'x5t#S256': 'x' },
    ];
    try {
      await withSetup(issuers(), async (setup) => {
        for (const header of headers) {
          const verdict = await setup.verdict(make(setup, evilKey, 'one', header));
          const unknown = 'kid' in header && header.kid !== undefined;
          assert.equal(verdict, unknown ? 'key_unknown signature' : invalid, JSON.stringify(header));
          // The token is as good as its signature; other members of its header do not matter.
          const own = await setup.verdict(make(setup, oneKey, 'one', { ...header, kid: 'key-1' }));
          assert.equal(own, 'permit', JSON.stringify(header));
        }
        const elsewhere = make(setup, evilKey, 'one', { jku: url }, { iss: url });
        assert.equal(await setup.verdict(elsewhere), 'issuer_mismatch issuer');
      });
      // This connection arrives, so earlier ones would have been noticed before it.
      await once(connect(port, '127.0.0.1').resume(), 'close');
      assert.equal(connections, 1);
    } finally {
      trap.close();
    }
  });
});
