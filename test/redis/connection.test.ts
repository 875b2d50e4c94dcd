import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { RedisConnection } from '../../src/redis/connection.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';

const PASSWORD = 'p@ss:/%?# +é';
const ALICE = `alice:${encodeURIComponent(PASSWORD)}@`;
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

/** The resulting user and database; or the first word of the error. */
async function ours(url: string): Promise<string> {
  const signal = new AbortController().signal;
  try {
    const connection = await RedisConnection.connect({ url, silenceMs: 60_000, signal, onEnd() {} });
    try {
      return shown(String(await connection.send('CLIENT', 'INFO')));
    } finally {
      connection.close();
    }
  } catch (error) {
    return firstWord(error);
  }
}

/** The same by the library that was used before. */
async function theirs(url: string): Promise<string> {
  let client: ReturnType<typeof createClient>;
  try {
    client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } });
  } catch {
    return 'no URL';
  }
  client.on('error', () => {});
  try {
    await client.connect();
    return shown(String(await client.sendCommand(['CLIENT', 'INFO'])));
  } catch (error) {
    return firstWord(error);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

function shown(info: string): string {
  return ['user', 'db'].map((name) => new RegExp(` ${name}=(\\S+)`).exec(info)?.[1]).join(' ');
}

function firstWord(error: unknown): string {
  if ((error as Error).name === 'RedisUrlError') return 'no URL';
  return ((error as NodeJS.ErrnoException).code ?? (error as Error).message).split(' ')[0] as string;
}

describe('a URL of Redis', needs('redis-server'), () => {
  let redis: TestRedis;
  before(async () => {
    redis = await TestRedis.start(() => [
      ...['--requirepass', 'secret', '--bind', '127.0.0.1', ...(hasIpv6 ? ['::1'] : [])],
    ]);
    const admin = createClient({ url: `redis://:secret@127.0.0.1:${redis.port}` });
    await admin.connect();
    const users = [
      ['alice', 'on', `>${PASSWORD}`, '~*', '+@all'],
      ['guest', 'on', 'nopass', '~*', '+@all'],
      ['narrow', 'on', '>narrow', '~*', '+auth', '+client|info'],
      ['off', 'off', '>off', '~*', '+@all'],
    ];
    for (const user of users) await admin.sendCommand(['ACL', 'SETUSER', ...user]);
    await admin.close();
  });
  after(() => redis.stop());

  for (const [about, written, expected] of [
    ['a password', ':secret@HOST', 'default 0'],
    ['the default user and a password', 'default:secret@HOST', 'default 0'],
    ['a user and a percent-encoded password', `${ALICE}HOST`, 'alice 0'],
    ['a percent-encoded user', `%61lice:${encodeURIComponent(PASSWORD)}@HOST`, 'alice 0'],
    ['a user without password', 'guest@HOST', 'guest 0'],
    ['a user with an empty password', 'guest:@HOST', 'guest 0'],
    ['a database', `${ALICE}HOST/3`, 'alice 3'],
    ['a database with zeros in front', `${ALICE}HOST/03`, 'alice 3'],
    ['no database behind the slash', `${ALICE}HOST/`, 'alice 0'],
    ['a query', `${ALICE}HOST/2?timeout=1`, 'alice 2'],
    ['database 0, by a user who may not select', 'narrow:narrow@HOST/0', 'narrow 0'],
    ['database 1, by a user who may not select', 'narrow:narrow@HOST/1', 'NOPERM'],
    ['a database that is not there', `${ALICE}HOST/99`, 'ERR'],
    ['a name of a database', `${ALICE}HOST/orders`, 'no URL'],
    ['no password where one is wanted', 'HOST', 'NOAUTH'],
    ['a wrong password', ':wrong@HOST', 'WRONGPASS'],
    ['a user with the password of another', 'alice:secret@HOST', 'WRONGPASS'],
    ['a user without the password that is wanted', 'alice@HOST', 'WRONGPASS'],
    ['a user that is not known', 'nobody@HOST', 'WRONGPASS'],
    ['a user that is switched off', 'off:off@HOST', 'WRONGPASS'],
  ] as const) {
    test(`with ${about} does what the library did: ${expected}`, async () => {
      const url = `redis://${written.replace('HOST', `127.0.0.1:${redis.port}`)}`;
      assert.equal(await ours(url), expected);
      assert.equal(await theirs(url), expected);
    });
  }

  test('names a host by name, or by an address of IPv6', async () => {
    for (const host of ['localhost', ...(hasIpv6 ? ['[::1]', '[0:0:0:0:0:0:0:1]'] : [])]) {
      const url = `redis://:secret@${host}:${redis.port}/1`;
      assert.equal(await ours(url), 'default 1', host);
      assert.equal(await theirs(url), 'default 1', host);
    }
  });

  test("of a port where no Redis listens fails with the system's error", async () => {
    const gone = await TestRedis.start();
    await gone.stop();
    assert.equal(await ours(gone.url), 'ECONNREFUSED');
  });
});
