import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { PostHandler, PostHeaders, PostReply } from '../../src/admin/post-handler.ts';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { post } from '../support/revocation.ts';
import { request, Wire } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';

class Echo implements PostHandler {
  readonly maxBytes = 100;
  readonly bodies: string[] = [];
  failWith: Error | undefined;

  refuse(headers: PostHeaders): PostReply | undefined {
    return headers['x-pass'] === 'yes'
      ? undefined
      : { status: 401, body: { error: 'no pass' }, headers: { 'www-authenticate': 'Pass' } };
  }
  async answer(_: PostHeaders, body: Buffer, below: string): Promise<PostReply> {
    if (this.failWith !== undefined) throw this.failWith;
    this.bodies.push(body.toString());
    return { status: 200, body: { bytes: body.length, ...(below === '' ? {} : { below }) } };
  }
}

describe('a path that takes POST', () => {
  const view = new FakeView();
  let echo: Echo;
  let admin: Admin;
  let port: number;
  const posts = new Map<string, PostHandler>();
  before(async () => {
    admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['admin', 'a'], view, posts });
    port = Number(admin.address.split(':').at(-1));
  });
  after(() => admin.close());
  beforeEach(() => {
    echo = new Echo();
    posts.set('/echo', echo);
    view.faults.length = 0;
  });

  test('gets the body byte for byte, up to its bound', async () => {
    const body = `ö${'x'.repeat(98)}`;
    const reply = await post(port, '/echo?x', body, 'X-Pass: yes');
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
    assert.deepEqual(JSON.parse(reply.body), { bytes: 100 });
    assert.deepEqual(echo.bodies, [body]);
  });

  test('replies 413 to a larger body, announced or not, and goes on', async () => {
    const wire = await Wire.open(port);
    const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nX-Pass: yes\r\n';
    wire.send(`${head}Content-Length: 101\r\n\r\n${'x'.repeat(101)}`);
    assert.equal((await wire.response()).status, 413);
    wire.send(
      `${head}Transfer-Encoding: chunked\r\n\r\n40\r\n${'x'.repeat(64)}\r\n40\r\n${'x'.repeat(64)}\r\n0\r\n\r\n`,
    );
    assert.equal((await wire.response()).status, 413);
    wire.send(`${head}Content-Length: 2\r\n\r\nok`);
    assert.equal((await wire.response()).status, 200);
    wire.close();
    assert.deepEqual(echo.bodies, ['ok']);
  });

  test('refuses by the head, and the body of that request is no request', async () => {
    const wire = await Wire.open(port);
    const hidden = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
    wire.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
    const refused = await wire.response();
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('www-authenticate'), 'Pass');
    wire.send('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await wire.response()).status, 404);
    wire.close();
    assert.deepEqual(echo.bodies, []);
  });

  test('takes no other method, and the pages take no POST', async () => {
    const get = await request(port, 'GET /echo HTTP/1.1\r\nHost: a\r\nX-Pass: yes\r\n\r\n');
    assert.equal(get.status, 405);
    assert.equal(get.headers.get('allow'), 'POST');
    const page = await post(port, '/status', '{}', 'X-Pass: yes');
    assert.equal(page.status, 405);
    assert.equal(page.headers.get('allow'), 'GET, HEAD');
  });

  test('with a slash at its end takes all paths below, and no other', async () => {
    posts.set('/folder/', echo);
    for (const [path, status, below] of [
      ['/folder/a/b%2Fc?x', 200, 'a/b%2Fc'],
      ['/folder/', 200, undefined],
      ['/folder', 404, undefined],
      ['/folders/a', 404, undefined],
      ['/echo/a', 404, undefined],
    ] as const) {
      const reply = await post(port, path, '{}', 'X-Pass: yes');
      assert.equal(reply.status, status, path);
      if (status === 200) assert.equal(JSON.parse(reply.body).below, below);
    }
    assert.equal((await post(port, '/folder/a', '{}', 'X-Pass: no')).status, 401);
    const get = await request(port, 'GET /folder/a HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
  });

  test('that fails replies 500 without the reason', async () => {
    echo.failWith = new Error('a secret');
    const reply = await post(port, '/echo', '{}', 'X-Pass: yes');
    assert.equal(reply.status, 500);
    assert.doesNotMatch(reply.body, /secret/);
    assert.deepEqual(view.faults, [echo.failWith]);
  });

  test('is not faulted by a client that leaves in the middle of its body', async () => {
    const wire = await Wire.open(port);
    wire.send('POST /echo HTTP/1.1\r\nHost: a\r\nX-Pass: yes\r\nContent-Length: 10\r\n\r\nabc');
    wire.close();
    assert.equal((await post(port, '/echo', '{}', 'X-Pass: yes')).status, 200);
    assert.deepEqual([view.faults, echo.bodies], [[], ['{}']]);
  });
});

describe('an admin address with a secret', () => {
  const view = new FakeView();
  const secret = 's'.repeat(32);
  let admin: Admin;
  let port: number;
  before(async () => {
    admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['a'], view, secret });
    port = Number(admin.address.split(':').at(-1));
  });
  after(() => admin.close());

  const get = (path: string, authorization = '') => {
    const field = authorization === '' ? '' : `Authorization: ${authorization}\r\n`;
    return request(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
  };

  test('shows figures and status to its bearers only', async () => {
    for (const path of ['/status', '/metrics']) {
      const { gatherings } = view;
      const missing = await get(path);
      assert.equal(missing.status, 401);
      assert.equal(missing.headers.get('www-authenticate'), 'Bearer realm="portcullis admin"');
      for (const wrong of [
        `Bearer ${secret}x`,
        'Bearer s',
        `Basic ${secret}`,
        secret,
        `Bearer ${secret} x`,
      ]) {
        assert.equal((await get(path, wrong)).status, 403, wrong);
      }
      assert.equal(view.gatherings, gatherings);
      assert.equal((await get(path, `Bearer ${secret}`)).status, 200);
      const head = `HEAD ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      const wire = await Wire.open(port);
      wire.send(head);
      assert.match(await wire.untilClosed(), /^HTTP\/1\.1 401 /);
      wire.close();
    }
  });

  test('tells everybody whether the gateway works', async () => {
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
  });
});
