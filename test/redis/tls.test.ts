import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findProgram } from '../../bench/programs.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';

/** Asks each Redis for its name, in a process of its own: Node.js reads its authorities once. */
const client = `
import { RedisConnection } from ${JSON.stringify(new URL('../../src/redis/connection.js', import.meta.url).href)};
const outcomes = [];
for (const url of process.argv.slice(1)) {
  try {
    const { signal } = new AbortController();
    const connection = await RedisConnection.connect({ url, silenceMs: 60_000, signal, onEnd() {} });
    outcomes.push(await connection.send('PING'));
    connection.close();
  } catch (error) {
    outcomes.push(error.code ?? error.message);
  }
}
console.log(JSON.stringify(outcomes));
`;

const program = needs('redis-server').skip === false ? needs('openssl') : needs('redis-server');

describe('a Redis with TLS', program, () => {
  let folder = '';
  let sound: TestRedis;
  let expired: TestRedis;
  let plain: TestRedis;
  const path = (name: string): string => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    const openssl = (command: string): void => {
      execFileSync(findProgram('openssl') as string, command.split(' '), {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    };
    const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
    openssl(`req -x509 ${fresh} -keyout ca.key -out ca.pem -subj /CN=authority -days 2`);
    openssl(`req -new ${fresh} -keyout sound.key -out sound.csr -subj /CN=redis`);
    writeFileSync(path('names'), 'subjectAltName=DNS:localhost\n');
    openssl(
      'x509 -req -in sound.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out sound.pem',
    );
    const old = loopbackCertificate(['20200101000000Z', '20210101000000Z']);
    writeFileSync(path('expired.pem'), old.cert);
    writeFileSync(path('expired.key'), old.key);
    writeFileSync(path('trusted.pem'), `${readFileSync(path('ca.pem'), 'utf8')}${old.cert}`);
    const start = (name: string): Promise<TestRedis> =>
      TestRedis.start((port) => [
        ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', '--requirepass', 'secret'],
        ...['--tls-cert-file', path(`${name}.pem`), '--tls-key-file', path(`${name}.key`)],
        ...['--tls-ca-cert-file', path('ca.pem')],
      ]);
    sound = await start('sound');
    expired = await start('expired');
    plain = await TestRedis.start();
  });
  after(async () => {
    for (const redis of [sound, expired, plain]) await redis?.stop();
    rmSync(folder, { recursive: true });
  });

  const ask = (trusted: string | undefined, ...urls: string[]): unknown => {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const args = ['--input-type=module', '-e', client, ...urls];
    return JSON.parse(
      execFileSync(process.execPath, args, {
        encoding: 'utf8',
        env: trusted === undefined ? env : { ...env, NODE_EXTRA_CA_CERTS: path(trusted) },
      }),
    );
  };

  test('is accepted with a certificate of a trusted authority, for that name, and in force', () => {
    const urls = [
      `rediss://:secret@localhost:${sound.port}`,
      `rediss://default:secret@localhost:${sound.port}/1`,
      `rediss://:secret@127.0.0.1:${sound.port}`,
      `rediss://:secret@127.0.0.1:${expired.port}`,
      `rediss://:wrong@localhost:${sound.port}`,
    ];
    assert.deepEqual(ask('trusted.pem', ...urls), [
      'PONG',
      'PONG',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'CERT_HAS_EXPIRED',
      'WRONGPASS invalid username-password pair or user is disabled.',
    ]);
  });

  test('is refused without a known authority', () => {
    assert.match(
      String(ask(undefined, `rediss://:secret@localhost:${sound.port}`)),
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN)$/,
    );
  });

  test('gets no plain text, and a Redis without TLS gets no TLS', () => {
    const outcomes = ask(
      'trusted.pem',
      `redis://:secret@localhost:${sound.port}`,
      `rediss://127.0.0.1:${plain.port}`,
    ) as readonly string[];
    assert.equal(outcomes.length, 2);
    for (const outcome of outcomes) assert.doesNotMatch(outcome, /PONG|secret/);
  });
});
