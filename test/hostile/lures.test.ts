import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { hs256, keyPair, rs256 } from '../support/tokens.ts';
import { claims, compact, issuerOf, standFor, verificationKey } from './stand.ts';

const genuine = keyPair('RS256');
const attacker = keyPair('RS256');
const NAMED = 'https://named.example';

const stand = standFor([
  issuerOf('bare', ['RS256'], [verificationKey(genuine, ['RS256'])]),
  issuerOf('named', ['RS256'], [verificationKey(genuine, ['RS256'], 'k1')], { issuer: NAMED }),
]);

describe('a key in the token, or one that it points to, is never used', () => {
  /** A request here means that a pointer was followed. */
  const bait = createServer((socket) => {
    visits += 1;
    socket.destroy();
  });
  let visits = 0;
  before(async () => {
    bait.listen(0, '127.0.0.1');
    await once(bait, 'listening');
  });
  after(() => {
    bait.close();
    assert.equal(visits, 0);
  });

  const jwk = attacker.publicKey.export({ format: 'jwk' });
  const der = attacker.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const lures: readonly (readonly [name: string, header: (url: string) => Record<string, unknown>])[] = [
    ['jwk (CVE-2018-0114)', () => ({ jwk })],
    ['jwk with the kid of the genuine key', () => ({ jwk: { ...jwk, kid: 'k1' }, kid: 'k1' })],
    ['jwk with a private key', () => ({ jwk: attacker.privateKey.export({ format: 'jwk' }) })],
    ['jwk that is an HMAC key', () => ({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['jwks', () => ({ jwks: { keys: [jwk] } })],
    ['jku over http', (url) => ({ jku: `http://${url}/jwks.json` })],
    ['jku over https', (url) => ({ jku: `https://${url}/jwks.json` })],
    ['jku that begins with the issuer', (url) => ({ jku: `https://issuer.example@${url}/jwks.json` })],
    ['jku with a fragment and a redirect', (url) => ({ jku: `http://${url}/?to=https://issuer.example/#x` })],
    ['jku as a file', () => ({ jku: 'file:///dev/zero' })],
    ['jku as data', () => ({ jku: `data:application/json,${JSON.stringify({ keys: [jwk] })}` })],
    ['x5u', (url) => ({ x5u: `http://${url}/cert.pem` })],
    ['x5c', () => ({ x5c: [der] })],
    ['x5c with x5t', () => ({ x5c: [der], x5t: 'AAAA', 'x5t#S256': 'AAAA' })],
    ['key', () => ({ key: attacker.pem })],
    ['kid as an address', (url) => ({ kid: `http://${url}/key.pem` })],
    ['iss and aud in the header', () => ({ iss: 'https://issuer.example', aud: 'orders' })],
  ];
  for (const [name, headerFor] of lures) {
    test(name, async () => {
      const url = `127.0.0.1:${(bait.address() as AddressInfo).port}`;
      const header = { alg: 'RS256', ...headerFor(url) };
      const unknown = 'kid' in header && header['kid'] !== 'k1';
      const bare = (key: typeof genuine): string => rs256(key, claims(), header);
      const named = (key: typeof genuine): string => rs256(key, claims({ iss: NAMED }), header);
      await stand().refuses(bare(attacker), '401 signature_invalid');
      await stand().refuses(named(attacker), unknown ? '401 key_unknown' : '401 signature_invalid');
      // The token is not at fault: these members are allowed (RFC 7515 §4.1), and are ignored.
      await stand().admits(bare(genuine));
      if (!unknown) await stand().admits(named(genuine));
      assert.equal(visits, 0);
    });
  }

  test('pointers in the claims', async () => {
    const url = `http://127.0.0.1:${(bait.address() as AddressInfo).port}/`;
    for (const changes of [{ jku: url }, { iss: url }, { jwks_uri: url }, { iss: url, jku: url }]) {
      const expected = 'iss' in changes ? '401 issuer_mismatch' : '401 signature_invalid';
      await stand().refuses(rs256(attacker, claims(changes)), expected);
    }
    assert.equal(visits, 0);
  });
});

describe('kid is only compared', () => {
  const kids: readonly (readonly [name: string, kid: string])[] = [
    ['a path up to /dev/null', '../../../../../../dev/null'],
    ['an absolute path', '/proc/sys/kernel/randomize_va_space'],
    ['a path with NUL', '/etc/passwd\0k1'],
    ['a path with backslashes', '..\\..\\windows\\win.ini'],
    ['an encoded path', '..%2f..%2f..%2fdev%2fnull'],
    ['SQL that yields a key', "x' UNION SELECT 'key' -- "],
    ['SQL that is always true', "k1' OR '1'='1"],
    ['SQL that destroys', "k1'; DROP TABLE keys; --"],
    ['a shell command', 'k1|/usr/bin/sleep 10'],
    ['a shell substitution', '$(reboot)`reboot`'],
    ['an LDAP filter', '*)(uid=*))(|(uid=*'],
    ['a template', '{{7*7}}#{7*7}<%= 7*7 %>'],
    ['JNDI', `\${jndi:ldap://127.0.0.1:1/a}`],
    ['format directives', '%s%n%x%o%j'],
    ['line breaks', 'k1\r\nX-Evil: 1'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['prototype', 'prototype'],
    ['toString', 'toString'],
    ['hasOwnProperty', 'hasOwnProperty'],
    ['undefined', 'undefined'],
    ['nothing', ''],
    ['the name in capitals', 'K1'],
    ['the name and a space', 'k1 '],
    ['the name and NUL', 'k1\0'],
    ['the name with a combining mark', 'k1\u0301'],
    ['the name in full width', 'ｋ１'],
    ['half a surrogate pair', '\ud800'],
    ['eight thousand letters', 'k'.repeat(8000)],
    ['eight thousand times __proto__', '__proto__.'.repeat(800)],
  ];
  for (const [name, kid] of kids) {
    test(name, async () => {
      const header = { alg: 'RS256', kid };
      for (const key of [genuine, attacker]) {
        await stand().refuses(rs256(key, claims({ iss: NAMED }), header), '401 key_unknown');
      }
      await stand().refuses(rs256(attacker, claims(), header), '401 signature_invalid');
      // What a file, a query or an inherited property could have held.
      for (const secret of [
        '',
        '\0',
        '0',
        '2',
        'key',
        'undefined',
        '[object Object]',
        'function Object() { [native code] }',
      ]) {
        const token = hs256(secret, claims({ iss: NAMED }), { alg: 'HS256', kid });
        await stand().refuses(token, '401 algorithm_not_allowed');
      }
      await stand().admits(rs256(genuine, claims({ iss: NAMED }), { alg: 'RS256', kid: 'k1' }));
    });
  }

  test('of another type is malformed', async () => {
    for (const kid of [null, 0, 1, true, [], ['k1'], {}, { toString: 'k1' }]) {
      const token = rs256(genuine, claims({ iss: NAMED }), { alg: 'RS256', kid });
      await stand().refuses(token, '401 token_malformed', JSON.stringify(kid));
    }
  });
});

describe('an inherited property is neither a header parameter nor a claim', () => {
  const good = JSON.stringify(claims());
  const rows: readonly (readonly [name: string, header: unknown, payload: unknown, expected: string])[] = [
    ['alg by __proto__', '{"__proto__":{"alg":"RS256"}}', good, '401 algorithm_not_allowed'],
    [
      'alg by constructor',
      '{"constructor":{"prototype":{"alg":"RS256"}}}',
      good,
      '401 algorithm_not_allowed',
    ],
    ['all claims by __proto__', { alg: 'RS256' }, `{"__proto__":${good}}`, '401 issuer_mismatch'],
    [
      'all claims by constructor',
      { alg: 'RS256' },
      `{"constructor":{"prototype":${good}}}`,
      '401 issuer_mismatch',
    ],
    [
      'exp by __proto__',
      { alg: 'RS256' },
      `${JSON.stringify(claims({ exp: undefined })).slice(0, -1)},"__proto__":{"exp":9999999999}}`,
      '401 claim_missing',
    ],
  ];
  for (const [name, header, payload, expected] of rows) {
    test(name, async () => {
      await stand().refuses(rs256(genuine, payload, header), expected);
      await stand().refuses(
        rs256(genuine, claims({ iss: undefined })),
        '401 issuer_mismatch',
        'no pollution',
      );
      await stand().refuses(compact({}, claims(), 'x'), '401 algorithm_not_allowed', 'no pollution');
      await stand().admits(rs256(genuine, claims()));
    });
  }
});
