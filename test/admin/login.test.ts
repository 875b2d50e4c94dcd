import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startAdmin } from '../../src/admin/server.ts';
import { request } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';
import { cookieOf, LoginStand, secret } from './login-stand.ts';

const stand = new LoginStand();
before(() => stand.start());
after(() => stand.close());

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('the form at /login', () => {
  test('asks for the secret without a script and without anything from elsewhere', async () => {
    const page = await stand.send('GET /login');
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(page.headers.get('cache-control'), 'no-store');
    assert.equal(page.headers.get('referrer-policy'), 'same-origin');
    const style = /<style>([^<]*)<\/style>/.exec(page.body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    assert.equal(
      page.headers.get('content-security-policy'),
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    );
    assert.match(page.body, /<form method="post" action="\/login">/);
    assert.match(page.body, /<label for="secret">/);
    assert.doesNotMatch(page.body, /<script|<link|src=|https?:|style=/);
  });

  test('gives a browser with the secret a cookie that does not hold it, and the status', async () => {
    const reply = await stand.login(secret);
    assert.deepEqual([reply.status, reply.headers.get('location'), reply.body], [303, '/', '']);
    assert.match(
      reply.headers.get('set-cookie') ?? '',
      /^portcullis_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    const cookie = cookieOf(reply);
    for (const path of ['/status', '/metrics']) {
      assert.equal((await stand.send(`GET ${path}`, [cookie])).status, 200, path);
      assert.equal(
        (await stand.send(`GET ${path}`, [`${cookie.replace('=', '=x; a=b; portcullis_session=')}`])).status,
        200,
      );
      for (const wrong of [
        'Cookie: portcullis_session=',
        `${cookie}x`,
        cookie.slice(0, -1),
        cookie.replace('session', 'sessions'),
      ]) {
        assert.equal((await stand.send(`GET ${path}`, [wrong])).status, 401, wrong);
      }
    }
    assert.notEqual(await stand.session(), cookie);
  });

  test('marks the cookie Secure where the browser came by https', async () => {
    const fields = ['Host: gateway.internal', 'Origin: https://gateway.internal', 'X-Forwarded-Proto: http'];
    const reply = await stand.send('POST /login', fields, `secret=${encodeURIComponent(secret)}`);
    assert.match(reply.headers.get('set-cookie') ?? '', /; SameSite=Strict; Secure$/);
    const told = await stand.login(secret, 'X-Forwarded-Proto: https');
    assert.doesNotMatch(told.headers.get('set-cookie') ?? '', /Secure/);
  });

  test('shows the form again to any other text, without that text', async () => {
    for (const text of ['', 'wrong-<b>', `${secret}x`, secret.slice(1), encodeURIComponent(secret)]) {
      const reply = await stand.login(text);
      assert.equal(reply.status, 403, text);
      assert.equal(reply.headers.get('set-cookie'), undefined);
      assert.match(reply.body, /<p role="alert">That is not the secret.<\/p>\n<form /);
      assert.doesNotMatch(reply.body, /wrong/);
      stand.now += MINUTE_MS;
    }
    const other = await stand.send(
      'POST /login',
      [stand.origin, 'Content-Type: application/json'],
      JSON.stringify({ secret }),
    );
    assert.equal(other.status, 403);
    const large = await stand.send('POST /login', [stand.origin], `secret=${'x'.repeat(2_042)}`);
    assert.equal(large.status, 413);
  });

  test('makes a peer wait after ten wrong texts in a minute, and no other peer', async () => {
    stand.now += MINUTE_MS;
    for (let n = 0; n < 10; n += 1) assert.equal((await stand.login('wrong')).status, 403);
    stand.now += 20_500;
    for (const text of ['wrong', secret]) {
      const reply = await stand.login(text);
      assert.deepEqual([reply.status, reply.headers.get('retry-after')], [429, '40']);
      assert.equal(reply.headers.get('set-cookie'), undefined);
    }
    // Bearers and sessions do not wait.
    assert.equal((await stand.send('GET /status', [`Authorization: Bearer ${secret}`])).status, 200);
    stand.now += 39_500;
    assert.equal((await stand.login(secret)).status, 303);
  });

  test('is where a browser without a session is sent, and no program', async () => {
    const accept = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8';
    const sent = await stand.send('GET /status', [accept]);
    assert.deepEqual([sent.status, sent.headers.get('location')], [303, '/login']);
    assert.equal((await stand.send('GET /status', ['Accept: */*'])).status, 401);
    assert.equal((await stand.send('GET /status', [accept, 'Authorization: Bearer x'])).status, 403);
    assert.equal((await stand.send('GET /healthz', [accept])).status, 200);
  });

  test('is not there without a secret', async () => {
    const admin = await startAdmin({ host: '127.0.0.1', port: 0, view: new FakeView() });
    try {
      const port = Number(admin.address.split(':').at(-1));
      for (const path of ['/login', '/logout']) {
        const reply = await request(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        assert.equal(reply.status, 404);
      }
    } finally {
      await admin.close();
    }
  });
});

describe('a session', () => {
  const status = async (cookie: string): Promise<number> =>
    (await stand.send('GET /status', [cookie])).status;

  test('ends twelve hours after its login, used or not', async () => {
    const cookie = await stand.session();
    stand.now += 12 * HOUR_MS - 1;
    assert.equal(await status(cookie), 200);
    stand.now += 1;
    assert.equal(await status(cookie), 401);
  });

  test('ends at its logout, and the browser loses its cookie', async () => {
    const [cookie, other] = [await stand.session(), await stand.session()];
    const reply = await stand.send('POST /logout', [stand.origin, cookie]);
    assert.deepEqual([reply.status, reply.headers.get('location')], [303, '/login']);
    assert.match(
      reply.headers.get('set-cookie') ?? '',
      /^portcullis_session=; Path=\/; Max-Age=0; HttpOnly; /,
    );
    assert.deepEqual([await status(cookie), await status(other)], [401, 200]);
    assert.equal((await stand.send('POST /logout', [stand.origin])).status, 303);
    assert.equal((await stand.send('GET /logout', [other])).status, 405);
  });

  test('ends at the next login of its browser', async () => {
    const cookie = await stand.session();
    const next = cookieOf(await stand.login(secret, cookie));
    assert.deepEqual([await status(cookie), await status(next)], [401, 200]);
  });

  test('makes room for the newest of 65', async () => {
    const first = await stand.session();
    const second = await stand.session();
    for (let n = 0; n < 63; n += 1) await stand.session();
    assert.deepEqual([await status(first), await status(second)], [401, 200]);
  });

  test('does not help a request whose bearer secret is wrong', async () => {
    const cookie = await stand.session();
    assert.equal((await stand.send('GET /status', [cookie, 'Authorization: Bearer wrong'])).status, 403);
  });
});
