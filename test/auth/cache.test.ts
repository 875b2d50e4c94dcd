import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { grant } from '../../src/auth/permit.ts';
import { Issuer } from '../../src/auth/policy/issuer.ts';
import { Policy } from '../../src/auth/policy/policy.ts';
import { TokenCache } from '../../src/auth/remember/token-cache.ts';
import { signToken } from '../support/tokens.ts';
import { forward, issuer, SECRET, Setup, secretKey } from './support.ts';

const main = new Issuer(issuer());
const entry = (authorization: string, headers = '') => ({
  authorization,
  issuer: main,
  keyRemovals: 1,
  expiresAt: 1,
  notBefore: 0,
  policy: new Policy([main], forward()),
  verdict: grant(headers, false),
  marks: undefined,
  revocationsVersion: 0,
});
const ending = 't'.repeat(43);

describe('the store', () => {
  test('finds the whole value only, even when another one has the same ending', () => {
    const cache = new TokenCache({ entries: 10, bytes: 1 << 20 });
    cache.put(entry(`Bearer a.${ending}`));
    assert.equal(cache.find(`Bearer a.${ending}`)?.authorization, `Bearer a.${ending}`);
    for (const other of [
      `Bearer b.${ending}`,
      `bearer a.${ending}`,
      `Bearer a.${ending} `,
      ending,
      '',
      'x',
    ]) {
      assert.equal(cache.find(other), undefined, other);
    }
    assert.equal(cache.size, 1);
  });

  test('a lookup of another value with the same ending does not renew an entry', () => {
    const cache = new TokenCache({ entries: 2, bytes: 1 << 20 });
    cache.put(entry(`Bearer old.${'1'.repeat(43)}`));
    cache.put(entry(`Bearer new.${'2'.repeat(43)}`));
    cache.find(`Bearer forged.${'1'.repeat(43)}`);
    cache.put(entry(`Bearer newest.${'3'.repeat(43)}`));
    assert.equal(cache.find(`Bearer old.${'1'.repeat(43)}`), undefined);
    assert.notEqual(cache.find(`Bearer new.${'2'.repeat(43)}`), undefined);
  });

  test('use renews an entry', () => {
    const cache = new TokenCache({ entries: 2, bytes: 1 << 20 });
    cache.put(entry(`Bearer old.${'1'.repeat(43)}`));
    cache.put(entry(`Bearer new.${'2'.repeat(43)}`));
    const old = cache.find(`Bearer old.${'1'.repeat(43)}`);
    assert.ok(old);
    cache.touch(old, 5);
    cache.put(entry(`Bearer newest.${'3'.repeat(43)}`));
    assert.notEqual(cache.find(`Bearer old.${'1'.repeat(43)}`), undefined);
    assert.equal(cache.find(`Bearer new.${'2'.repeat(43)}`), undefined);
  });

  test('entries that share a slot are found while others are added and removed', () => {
    // The slot depends on the last characters but one, so these values share their slot.
    const values = Array.from({ length: 4 }, (_, at) => `Bearer a.${String(at).padEnd(43, 't')}`);
    const cache = new TokenCache({ entries: 3, bytes: 1 << 20 });
    for (const value of values) cache.put(entry(value));
    const found = () => values.map((value) => cache.find(value)?.authorization === value);
    assert.deepEqual(found(), [false, true, true, true]);
    for (const at of [3, 1]) {
      const member = cache.find(values[at] as string);
      assert.ok(member);
      cache.delete(member);
    }
    assert.deepEqual(found(), [false, false, true, false]);
    cache.put(entry(values[2] as string)); // Replaces its own older entry.
    cache.put(entry(values[0] as string));
    assert.deepEqual(found(), [true, false, true, false]);
  });

  test('an entry larger than the bound of bytes is not kept and evicts nothing', () => {
    const cache = new TokenCache({ entries: 10, bytes: 2_000 });
    cache.put(entry(`Bearer a.${ending}`));
    cache.put(entry(`Bearer ${'b'.repeat(3_000)}.${ending.replace('t', 'u')}`));
    assert.equal(cache.size, 1);
    assert.notEqual(cache.find(`Bearer a.${ending}`), undefined);
  });

  test('bytes bound the store, and both token and header text count', () => {
    const cache = new TokenCache({ entries: 1000, bytes: 20_000 });
    for (let n = 0; n < 100; n += 1) {
      cache.put(entry(`Bearer ${'a'.repeat(1000)}.${String(n).padStart(43, '0')}`, 'h'.repeat(2000)));
      assert.ok(cache.bytes <= 20_000);
    }
    assert.equal(cache.size, 5);
    cache.put(entry(`Bearer ${'a'.repeat(30_000)}.${ending}`));
    assert.equal(
      cache.find(`Bearer ${'a'.repeat(30_000)}.${ending}`),
      undefined,
      'larger than the whole cache',
    );
    assert.equal(cache.size, 5);
  });

  test('a bound of 0 is refused, because the library reads it as unlimited', () => {
    assert.throws(() => new TokenCache({ entries: 0, bytes: 1 }), RangeError);
    assert.throws(() => new TokenCache({ entries: 1, bytes: 0 }), RangeError);
  });
});

describe('the cache takes', () => {
  test('only tokens that were accepted', async () => {
    const setup = new Setup({ issuers: [issuer({ require: ['sub'] })] });
    const token = setup.token();
    const refused = [
      setup.token({ exp: setup.clock.seconds(0) }),
      setup.token({ nbf: setup.clock.seconds(9) }),
      setup.token({ sub: null }),
      setup.token({ iss: 'x' }),
      setup.token({ aud: 'x' }),
      `${token.slice(0, -43)}${'A'.repeat(43)}`,
      signToken('HS256', 'another secret that is long enough too', setup.claims()),
    ];
    for (const each of refused) assert.notEqual(await setup.verdict(each), 'permit');
    assert.equal(setup.authorizer.cacheEntries, 0);
    assert.equal(await setup.verdict(token), 'permit');
    assert.equal(setup.authorizer.cacheEntries, 1);
  });

  test('no other payload under a known signature: it misses, is refused, and evicts nothing', async () => {
    const setup = new Setup({ cache: { entries: 1, bytes: 1 << 20 } });
    const token = setup.token();
    assert.equal(await setup.verdict(token), 'permit');
    const [header] = token.split('.');
    const other = setup.token({ sub: 'admin' }).split('.')[1];
    const forged = `${header}.${other}.${token.split('.')[2]}`;
    for (let n = 0; n < 3; n += 1) assert.equal(await setup.verdict(forged), 'signature_invalid signature');
    const { cacheHits } = setup.counters;
    const before = cacheHits.value;
    assert.equal(await setup.verdict(token), 'permit');
    assert.equal(cacheHits.value, before + 1);
  });

  test('one entry for all spellings of the header', async () => {
    const setup = new Setup();
    const token = setup.token();
    for (const value of [`bearer ${token}`, `BEARER   ${token}  `, `Bearer ${token}`, `Bearer ${token} `]) {
      assert.equal((await setup.askRaw(value)).kind, 'permit');
    }
    assert.equal(setup.authorizer.cacheEntries, 1);
    assert.equal(setup.counters.cacheMisses.value, 1);
    assert.equal(setup.counters.cacheHits.value, 3);
  });

  test('a new token in place of the least recently used one', async () => {
    const setup = new Setup({ cache: { entries: 2, bytes: 1 << 20 } });
    const [first, second, third] = [1, 2, 3].map((jti) => setup.token({ jti })) as [string, string, string];
    for (const token of [first, second, first, third, first])
      assert.equal(await setup.verdict(token), 'permit');
    assert.deepEqual([setup.counters.cacheHits.value, setup.counters.cacheMisses.value], [2, 3]);
    assert.equal(await setup.verdict(second), 'permit');
    assert.equal(setup.counters.cacheMisses.value, 4);
  });

  test('no more entries than the bound says, of ten thousand tokens', async () => {
    const setup = new Setup({ cache: { entries: 100, bytes: 1 << 24 } });
    for (let n = 0; n < 10_000; n += 1) setup.now(setup.token({ jti: n }));
    assert.equal(setup.authorizer.cacheEntries, 100);
    assert.ok(setup.authorizer.cacheBytes > 100 * 200);
  });
});

describe('a change of keys', () => {
  const first = 'the first secret, which is long enough';
  const second = 'the second secret, which is long enough';

  test('voids every known token of that issuer and of no other', async () => {
    const other = issuer({ name: 'other', issuer: 'other' });
    const setup = new Setup({ issuers: [issuer({ keys: [secretKey(first, 'a')] }), other] });
    const old = signToken('HS256', first, setup.claims(), { alg: 'HS256', kid: 'a' });
    const foreign = signToken('HS256', SECRET, setup.claims({ iss: 'other' }));
    assert.equal(await setup.verdict(old), 'permit');
    assert.equal(await setup.verdict(foreign), 'permit');
    setup.authorizer.setKeys('main', [secretKey(second, 'b')]);
    assert.equal(await setup.verdict(old), 'key_unknown signature');
    assert.equal(setup.authorizer.cacheEntries, 1, 'the void entry is gone');
    const before = setup.counters.cacheHits.value;
    assert.equal(await setup.verdict(foreign), 'permit');
    assert.equal(setup.counters.cacheHits.value, before + 1);
    const fresh = signToken('HS256', second, setup.claims(), { alg: 'HS256', kid: 'b' });
    assert.equal(await setup.verdict(fresh), 'permit');
  });

  test('under the same kid makes the old token invalid, and valid again when the key comes back', async () => {
    const setup = new Setup({ issuers: [issuer({ keys: [secretKey(first, 'a')] })] });
    const token = signToken('HS256', first, setup.claims(), { alg: 'HS256', kid: 'a' });
    assert.equal(await setup.verdict(token), 'permit');
    setup.authorizer.setKeys('main', [secretKey(second, 'a')]);
    assert.equal(await setup.verdict(token), 'signature_invalid signature');
    setup.authorizer.setKeys('main', []);
    assert.equal(await setup.verdict(token), 'keys_unavailable signature');
    setup.authorizer.setKeys('main', [secretKey(first, 'a')]);
    assert.equal(await setup.verdict(token), 'permit');
  });

  test('is refused as a whole when a key does not fit or no issuer has that name', async () => {
    const setup = new Setup();
    const token = setup.token();
    assert.equal(await setup.verdict(token), 'permit');
    assert.throws(
      () => setup.authorizer.setKeys('main', [secretKey(second), secretKey('')]),
      /cannot be used/,
    );
    assert.throws(() => setup.authorizer.setKeys('nobody', []), /no issuer is called nobody/);
    assert.equal(await setup.verdict(token), 'permit');
    assert.equal(setup.counters.cacheHits.value, 1);
  });
});
