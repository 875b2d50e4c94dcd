// Source: an operator under systemd: a refused token could not be diagnosed without the token.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy } from '../../src/auth/policy/policy.ts';
import { RefusalLog } from '../../src/auth/refusal-log.ts';
import { rejections } from '../../src/auth/rejections.ts';
import type { Log } from '../../src/lib/log.ts';
import { head, issuer, publicKey, Setup } from '../auth/support.ts';
import { LogRecorder } from '../keysets/support.ts';
import { startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { keyPair, rs256, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';

const key = keyPair('RS256');
const setup = new Setup({
  issuers: [issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'], 'k1')] })],
  verifiers: 0,
});

interface Line {
  readonly [name: string]: unknown;
}

/** The log for these Authorization values, refused for their signature. */
function linesOf(values: readonly (string | undefined)[], policy: Policy = setup.policy): readonly Line[] {
  const log = new LogRecorder();
  const refusals = new RefusalLog(log, 'info', setup.clock);
  for (const value of values) refusals.note('/', policy, head(value), rejections.signature);
  return log.fields as readonly Line[];
}

const line = (value: string | undefined): Line => linesOf([value])[0] as Line;

describe('the line of a refused token', () => {
  test('has the compared names, lengths, and the known keys', () => {
    const token = rs256(key, setup.claims({ nbf: 5, iat: 6, aud: ['a', 'app-1'] }), {
      alg: 'RS256',
      typ: 'JWT',
      kid: 'k2',
    });
    assert.deepEqual(line(`Bearer ${token}`), {
      route: '/',
      reason: 'signature_invalid',
      characters: token.length,
      segments: token.split('.').map(({ length }) => length),
      alg: 'RS256',
      kid: 'k2',
      typ: 'JWT',
      iss: 'https://issuer.example',
      aud: ['a', 'app-1'],
      exp: setup.clock.seconds(3600),
      nbf: 5,
      iat: 6,
      now: setup.clock.seconds(),
      issuer: 'main',
      keySet: { from: 'configuration', keys: 1, kids: ['k1'] },
    });
  });

  test('has no other claim, no signature and no token', () => {
    const token = rs256(
      key,
      setup.claims({ sub: 'secret-sub', email: 'secret-mail', roles: ['secret-role'] }),
    );
    const nested = rs256(
      key,
      setup.claims({ iss: token, aud: [token, { secret: 'secret-object' }], exp: token }),
      {
        alg: 'RS256',
        kid: `Bearer ${token}`,
        jwk: { secret: 'secret-jwk' },
      },
    );
    const text = JSON.stringify(linesOf([`Bearer ${token}`, `Bearer ${nested}`, token, `Basic ${token}`]));
    assert.doesNotMatch(text, /secret/);
    for (const one of [token, nested]) {
      for (const segment of one.split('.')) assert.ok(!text.includes(segment.slice(5, 40)), segment);
    }
  });

  test('is cut and escaped, names too', () => {
    const odd = 'a\u009b31m\u202eb\u2066\n\ud800';
    const token = rs256(key, setup.claims({ iss: odd, aud: Array(100).fill(odd) }), {
      alg: odd.repeat(30),
      kid: '\u009b'.repeat(500),
    });
    const text = JSON.stringify(line(`Bearer ${token}`));
    assert.match(text, /^[\x20-\x7e…]*$/);
    assert.ok(text.length < 4096, `${text.length} characters`);
    assert.match(text, /and 96 more/);
  });

  for (const [name, value, expected] of [
    ['nothing', undefined, { characters: 0 }],
    ['another scheme', 'Basic dXNlcjpwYXNz', { characters: 0 }],
    ['one word', 'Bearer abc', { characters: 3, segments: [3] }],
    ['what is too long', `Bearer ${'a.'.repeat(20_000)}`, { characters: 40_000, segments: [] }],
  ] as const) {
    test(`stands for ${name} too`, () => {
      const { now, route, reason, ...facts } = line(value);
      assert.deepEqual([route, reason, facts], ['/', 'signature_invalid', expected]);
    });
  }
});

describe('a flood of refused tokens', () => {
  test('is ten lines in a second, and the next one counts those left out', () => {
    const log = new LogRecorder();
    const refusals = new RefusalLog(log, 'info', setup.clock);
    const { now } = setup.clock;
    for (let n = 0; n < 1000; n += 1)
      refusals.note('/', setup.policy, head('Bearer abc'), rejections.structure);
    assert.equal(log.fields.length, 10);
    setup.clock.now += 1000;
    refusals.note('/', setup.policy, head('Bearer abc'), rejections.structure);
    assert.equal((log.fields[10] as Line)['unlogged'], 990);
    assert.equal(log.fields.length, 11);
    setup.clock.now = now;
  });

  test('yields to a crowded log, and survives a log that throws', () => {
    const recorder = new LogRecorder();
    const crowded: Log = Object.assign(recorder, { crowded: () => true });
    new RefusalLog(crowded, 'info', setup.clock).note(
      '/',
      setup.policy,
      head('Bearer abc'),
      rejections.structure,
    );
    assert.deepEqual(recorder.lines, []);
    const broken = { ...new LogRecorder(), info: () => assert.fail('a log that throws') } as unknown as Log;
    new RefusalLog(broken, 'info', setup.clock).note(
      '/',
      setup.policy,
      head('Bearer abc'),
      rejections.structure,
    );
  });
});

describe('a gateway', () => {
  for (const [log, expected] of [
    [{ level: 'info', access: 'off', refused: 'details' }, 'info a token is refused'],
    [{ level: 'debug', access: 'off' }, 'debug a token is refused'],
    [{ level: 'info', access: 'off' }, undefined],
  ] as const) {
    test(`with ${JSON.stringify(log)} logs ${expected ?? 'nothing'} of an expired token`, async () => {
      const origin = await Origin.start();
      const recorder = new LogRecorder();
      const gateway = await startGateway({ upstreamPort: origin.port, log: recorder, config: { log } });
      const bearer = gateway.bearer({ exp: secondsFromNow(-10) });
      const response = await request(
        gateway.port,
        `GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nAuthorization: ${bearer}\r\n\r\n`,
      );
      assert.equal(response.status, 401);
      const found = recorder.lines.findIndex((one) => one.endsWith('a token is refused'));
      assert.equal(recorder.lines[found], expected);
      if (expected !== undefined) {
        const fields = recorder.fields[found] as Line;
        assert.deepEqual(
          [fields['reason'], fields['route'], fields['iss']],
          ['token_expired', '/', 'https://issuer.example'],
        );
      }
      await gateway.close();
      await origin.close();
    });
  }
});
