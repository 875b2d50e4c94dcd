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
  async answer(_: PostHeaders, body: Buffer): Promise<PostReply> {
    if (this.failWith !== undefined) throw this.failWith;
    this.bodies.push(body.toString());
    return { status: 200, body: { bytes: body.length } };
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
