import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { LoginStand, secret } from './login-stand.ts';

const stand = new LoginStand();
before(() => stand.start());
after(() => stand.close());
beforeEach(() => {
  stand.changes.length = 0;
});

const bearer = `Authorization: Bearer ${secret}`;

/** What a browser says of a page of another site, of another port of this host, or of a page that hides where it is from. */
const foreign: readonly (readonly string[])[] = [
  ['Origin: https://evil.example'],
  ['Origin: http://127.0.0.1:1'],
  ['Origin: http://127.0.0.1'],
  ['Origin: http://localhost:9090'],
  ['Origin: null'],
  ['Origin: null', 'Sec-Fetch-Site: cross-site'],
  ['Origin: file://'],
  ['Origin: '],
  ['Origin: http://127.0.0.1:1, http://127.0.0.1:2'],
  ['Sec-Fetch-Site: cross-site'],
  ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
  ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
  ['Sec-Fetch-Site: unknown'],
];

describe('a page of another site', () => {
  test('sees nothing, with the secret or a session', async () => {
    const cookie = await stand.session();
    for (const fields of foreign) {
      for (const proof of [[], [bearer], [cookie]]) {
        for (const line of [
          'GET /status',
          'GET /metrics',
          'GET /healthz',
          'HEAD /readyz',
          'GET /login',
          'OPTIONS /status',
          'GET /x',
        ]) {
          const reply = await stand.send(line, [...fields, ...proof]);
          assert.equal(reply.status, 403, `${line} ${fields}`);
          assert.doesNotMatch(reply.raw, /evil|access-control/i);
        }
      }
    }
    assert.equal(stand.view.gatherings, 0);
  });

  test('changes nothing, with the secret or a session', async () => {
    const cookie = await stand.session();
    for (const fields of foreign) {
      for (const proof of [[], [bearer], [cookie]]) {
        for (const path of ['/change/x', '/login', '/logout']) {
          const reply = await stand.send(
            `POST ${path}`,
            [...fields, ...proof],
            `secret=${encodeURIComponent(secret)}`,
          );
          assert.equal(reply.status, 403, `${path} ${fields}`);
          assert.equal(reply.headers.get('set-cookie'), undefined);
        }
      }
    }
    assert.deepEqual(stand.changes, []);
    assert.equal((await stand.send('GET /status', [cookie])).status, 200);
  });

  test('that lets its own name point here gets 421', async () => {
    const rebound = ['Host: evil.example:9090', 'Origin: http://evil.example:9090'];
    const cookie = await stand.session();
    for (const [line, ...fields] of [
      ['GET /status', bearer],
      ['GET /status', cookie],
      ['GET /login'],
      ['POST /login'],
      ['POST /logout', cookie],
      ['POST /change/x', bearer],
      ['POST /change/x', cookie],
    ] as const) {
      const reply = await stand.send(line, [...rebound, ...fields], `secret=${encodeURIComponent(secret)}`);
      assert.equal(reply.status, 421, line);
    }
    const metadata = ['Host: evil.example:9090', 'Sec-Fetch-Site: same-origin', bearer];
    assert.equal((await stand.send('POST /change/x', metadata)).status, 421);
    assert.equal((await stand.send('POST /change/x', ['Host: evil.example:9090', cookie])).status, 421);
    assert.deepEqual(stand.changes, []);
  });

  test('may link to a page', async () => {
    const link = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
    assert.equal((await stand.send('GET /login', link)).status, 200);
    assert.equal((await stand.send('POST /login', link)).status, 403);
  });
});

describe('a page of this address', () => {
  test('changes what its session may, if the browser says that it is ours', async () => {
    const cookie = await stand.session();
    for (const fields of [
      [stand.origin],
      [stand.origin, 'Sec-Fetch-Site: same-origin'],
      ['Origin: null', 'Sec-Fetch-Site: same-origin'],
      ['Host: gateway.internal', 'Origin: https://gateway.internal'],
      ['Host: LOCALHOST:9090', 'Origin: http://localhost:9090'],
    ]) {
      const reply = await stand.send('POST /change/x', [cookie, ...fields], fields.join());
      assert.equal(reply.status, 200, fields.join());
    }
    assert.equal(stand.changes.length, 5);
    for (const fields of [[], ['Sec-Fetch-Site: none']]) {
      const reply = await stand.send('POST /change/x', [cookie, ...fields]);
      assert.equal(reply.status, 403);
      assert.match(reply.body, /the cookie is for the pages of this address alone/);
    }
    assert.equal((await stand.send('POST /change/x', [stand.origin])).status, 401);
    assert.equal(stand.changes.length, 5);
  });
});

test('a program with the secret needs no page, under any name', async () => {
  const host = 'Host: published.example';
  assert.equal((await stand.send('POST /change/x', [host, bearer], '1')).status, 200);
  assert.equal((await stand.send('POST /change/x', [host, `${bearer}x`], '2')).status, 403);
  assert.equal((await stand.send('POST /change/x', [host], '3')).status, 401);
  assert.deepEqual(stand.changes, ['1']);
});
