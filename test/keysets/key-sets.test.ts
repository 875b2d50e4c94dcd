import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { IssuerConfig } from '../../src/config/config.ts';
import { KeySets } from '../../src/keysets/key-sets.ts';
import { systemFetch } from '../../src/keysets/system-fetch.ts';
import { issuer } from '../auth/support.ts';
import { silentLog } from '../support/gateway.ts';
import { rsaKey } from '../support/tokens.ts';
import { FakeTime } from './fake-time.ts';
import { hang, jwk, keySet, ScriptedIssuer, status } from './scripted-issuer.ts';
import { remoteKeys } from './support.ts';

let server: ScriptedIssuer;
const key = rsaKey();

before(async () => {
  server = await ScriptedIssuer.start();
  for (const path of ['/a', '/b', '/c']) server.responses.set(path, keySet(jwk(key, { kid: path })));
  server.responses.set('/down', status(500));
});
after(() => server.close());

const of = (name: string, path: string): [string, IssuerConfig] => [
  name,
  issuer({ name, algorithms: ['RS256'], keys: [], remotes: [remoteKeys(server.url(path))] }),
];

class Sets {
  readonly time = new FakeTime();
  /** `issuer kid…` of every set that was put in force. */
  readonly told: string[] = [];
  readonly sets: KeySets;

  constructor(...issuers: [string, IssuerConfig][]) {
    this.sets = new KeySets(new Map(issuers), {
      clock: this.time,
      timers: this.time,
      random: () => 0.5,
      fetch: systemFetch,
      log: silentLog,
      store: undefined,
      setKeys: (name, keys) => this.told.push([name, ...keys.map(({ kid }) => kid)].join(' ')),
    });
  }
}

const kidsOf = (sets: KeySets, issuer: string): readonly (string | undefined)[] | undefined =>
  sets.of(issuer)?.keys.map(({ kid }) => kid);

describe('the key sets of other issuers', () => {
  test('are fetched before they are in force, and report nothing until then', async () => {
    const { sets, told, time } = new Sets(of('one', '/a'));
    await sets.start();
    await sets.refetch('one');
    const next = await sets.prepare(new Map([of('one', '/b'), of('two', '/c')]));
    assert.deepEqual(told, ['one /a']);
    assert.deepEqual(
      [...next].map(([name, { keys }]) => [name, ...keys.map(({ kid }) => kid)].join(' ')),
      ['one /b', 'two /c'],
    );
    assert.deepEqual(kidsOf(sets, 'one'), ['/a']);
    sets.commit(next);
    assert.deepEqual(kidsOf(sets, 'one'), ['/b']);
    // Later events are reported.
    server.responses.set('/b', keySet(jwk(key, { kid: 'new' })));
    time.advance(30_000);
    await sets.refetch('one');
    assert.deepEqual(told, ['one /a', 'one new']);
    server.responses.set('/b', keySet(jwk(key, { kid: '/b' })));
    await sets.close();
    assert.deepEqual(time.pending, []);
  });

  test('that stay are the same objects, and are fetched once more in the background', async () => {
    const { sets } = new Sets(of('one', '/a'));
    await sets.start();
    await sets.refetch('one');
    const before = sets.of('one')?.sets;
    server.responses.set('/a', hang);
    const asked = server.asked.length;
    const next = await sets.prepare(new Map([of('one', '/a')]));
    sets.commit(next);
    assert.deepEqual(sets.of('one')?.sets, before);
    assert.equal(sets.of('one')?.sets[0], before?.[0]);
    assert.deepEqual(kidsOf(sets, 'one'), ['/a']);
    await server.askedTimes(asked + 1);
    server.responses.set('/a', keySet(jwk(key, { kid: '/a' })));
    await sets.close();
  });

  test('end when they are removed: no timer, no log line', async () => {
    const { sets, told, time } = new Sets(of('one', '/a'), of('two', '/b'));
    await sets.start();
    await Promise.all([sets.refetch('one'), sets.refetch('two')]);
    const timers = time.pending.length;
    sets.commit(await sets.prepare(new Map([of('two', '/b')])));
    await sets.refetch('two');
    assert.equal(time.pending.length, timers / 2);
    assert.equal(sets.of('one'), undefined);
    time.advance(48 * 3600_000);
    assert.ok(told.every((line) => line === 'one /a' || line.startsWith('two')));
    await sets.close();
    assert.deepEqual(time.pending, []);
  });

  test('that are given up end too, and the present ones stay', async () => {
    const { sets, time, told } = new Sets(of('one', '/a'));
    await sets.start();
    await sets.refetch('one');
    const timers = time.pending.length;
    const next = await sets.prepare(new Map([of('one', '/b'), of('two', '/c')]));
    assert.ok(time.pending.length > timers);
    sets.abandon(next);
    await Promise.all([...next.values()].flatMap(({ sets: made }) => made.map((set) => set.close())));
    assert.equal(time.pending.length, timers);
    assert.deepEqual([kidsOf(sets, 'one'), told], [['/a'], ['one /a']]);
    await sets.close();
  });

  test('whose issuer is down are in force without keys, and keep trying', async () => {
    const { sets, time } = new Sets();
    sets.commit(await sets.prepare(new Map([of('one', '/down')])));
    assert.equal(sets.of('one')?.sets[0]?.hasKeys, false);
    assert.match([...sets.missing()].map(({ why }) => why).join(), /status 500/);
    assert.equal(time.pending.length, 1);
    await sets.close();
  });
});
