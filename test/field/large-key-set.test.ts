// Source: an adversarial review: a key set of 1,000 RSA keys that changed kept an unrelated public route waiting for 16 s.
import assert from 'node:assert/strict';
import crypto, { randomBytes } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { download } from '../../src/keysets/download.ts';
import { head, issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';

const KEYS = 1000;
const key = keyPair('RS256');

/** An RSA public key without a private one. */
function made(kid: string): object {
  const n = randomBytes(256);
  n[0] = (n[0] as number) | 0x80;
  n[255] = (n[255] as number) | 1;
  return { kty: 'RSA', e: 'AQAB', n: n.toString('base64url'), kid };
}

const set = JSON.stringify({
  keys: [
    { ...key.publicKey.export({ format: 'jwk' }), kid: 'genuine' },
    ...Array.from({ length: KEYS - 1 }, (_, n) => made(`key ${n}`)),
  ],
});
const remote = {
  kind: 'jwks' as const,
  url: 'https://issuer.example/keys',
  allowHttp: false,
  refreshMinMs: 60_000,
  refreshMaxMs: 3_600_000,
  staleMs: 86_400_000,
  timeoutMs: 5_000,
  unknownKidGapMs: 30_000,
};
const config = issuer({
  algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  keys: [],
  remotes: [remote],
});

const downloaded = download(config, remote, {
  fetch: () =>
    Promise.resolve(new Response(set, { headers: { 'content-type': 'application/jwk-set+json' } }) as never),
  signal: new AbortController().signal,
});

/** Number of keys parsed since. */
function parses(context: TestContext): () => number {
  const mock = context.mock.method(crypto, 'createPublicKey');
  syncBuiltinESMExports();
  context.after(() => {
    mock.mock.restore();
    syncBuiltinESMExports();
  });
  return () => mock.mock.callCount();
}

test('a set of a thousand keys is read in slices, between which other work has its turn', async () => {
  let turns = 0;
  let reading = true;
  const turn = (): void => {
    turns += 1;
    if (reading) setImmediate(turn);
  };
  setImmediate(turn);
  const { keys } = await downloaded;
  reading = false;
  assert.equal(keys.length, KEYS);
  assert.ok(turns > KEYS / 10, `${turns} turns`);
});

for (const verifiers of [0, 1]) {
  const where = verifiers === 0 ? 'on the event loop' : 'on a thread';
  test(`it is put in force without parsing it, and each key is parsed once, ${where}`, async (context) => {
    const { keys } = await downloaded;
    const setup = new Setup({ issuers: [config], verifiers });
    await setup.authorizer.start();
    const count = parses(context);
    setup.authorizer.setKeys('main', keys);
    const atOnce = count();
    assert.ok(atOnce <= 64, `${atOnce} keys parsed before any token has named one`);

    const token = (kid: string, alg: string): string => rs256(key, setup.claims({ jti: kid }), { alg, kid });
    for (let round = 0; round < 2; round += 1) {
      const verdicts = await Promise.all(
        Array.from({ length: KEYS - 1 }, (_, n) => setup.verdict(token(`key ${n}`, 'RS256'))),
      );
      assert.deepEqual(new Set(verdicts), new Set(['signature_invalid signature']));
      if (verifiers === 0) assert.ok(count() <= KEYS + 64, `${count()} keys parsed`);
    }
    assert.equal(await setup.verdict(token('genuine', 'RS256')), 'permit');
    assert.equal(await setup.verdict(token('genuine', 'RS384')), 'signature_invalid signature');
    assert.equal(await setup.verdict(token('nobody', 'RS256')), 'key_unknown signature');
    await setup.authorizer.close();
  });
}

test('the known tokens of its keys stay while all keys stay, and go with one', async () => {
  const { keys } = await downloaded;
  const setup = new Setup({ issuers: [config], verifiers: 0 });
  setup.authorizer.setKeys('main', keys);
  const token = rs256(key, setup.claims(), { alg: 'RS256', kid: 'genuine' });
  assert.equal(await setup.verdict(token), 'permit');
  setup.authorizer.setKeys('main', [...keys].reverse());
  assert.notEqual(setup.now(token), 'pending');
  setup.authorizer.setKeys('main', [...keys, publicKey(keyPair('RS256'), ['RS256'], 'another')]);
  assert.notEqual(setup.now(token), 'pending');
  setup.authorizer.setKeys('main', keys.slice(0, -1));
  assert.equal(setup.now(token), 'pending');
  setup.authorizer.setKeys('main', keys.slice(1));
  assert.equal(await setup.verdict(token), 'key_unknown signature');
  await setup.authorizer.close();
});

test('a key of another kind in a large set refuses the whole, beside keys that fit', async () => {
  const { keys } = await downloaded;
  const setup = new Setup({ issuers: [config], verifiers: 0 });
  const secret = { kind: 'secret' as const, secret: key.pem };
  const wrong = { id: 'wrong', kid: 'wrong', algorithms: ['RS256'], material: secret };
  assert.throws(() => setup.authorizer.setKeys('main', [...keys, wrong]), {
    message: 'issuer main: a key cannot be used with RS256',
  });
  const response = setup.authorizer.authorize(setup.policy, head(`Bearer ${rs256(key, setup.claims())}`), {
    onVerdict: () => undefined,
  });
  assert.equal(response.kind === 'rejection' && response.reason, 'keys_unavailable');
  await setup.authorizer.close();
});
