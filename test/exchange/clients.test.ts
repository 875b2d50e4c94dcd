import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { Agent, request } from 'undici';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';

const run = promisify(execFile);
let origin: Origin;
let gateway: TestGateway;
let url: string;

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    const body = text.split('\r\n', 1)[0] ?? '';
    return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  gateway = await startGateway({ upstreamPort: origin.port });
  url = `http://127.0.0.1:${gateway.port}`;
});

after(async () => {
  await gateway.close();
  await origin.close();
});

test('undici gets its responses over one kept connection, and 401 with a body it can read', async () => {
  const dispatcher = new Agent({ connections: 1 });
  const headers = { authorization: gateway.bearer() };
  for (const path of ['/a', '/b', '/c']) {
    const response = await request(`${url}${path}`, { dispatcher, headers });
    assert.equal(response.statusCode, 200);
    assert.equal(await response.body.text(), `GET ${path} HTTP/1.1`);
  }
  const refused = await request(`${url}/d`, { dispatcher });
  assert.equal(refused.statusCode, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="portcullis"');
  assert.equal(((await refused.body.json()) as { code: string }).code, 'token_missing');
  await dispatcher.close();
});

test('curl gets its response', needs('curl'), async () => {
  const { stdout } = await run('curl', [
    '-sS',
    '-H',
    `Authorization: ${gateway.bearer()}`,
    `${url}/curl?x=1`,
  ]);
  assert.equal(stdout, 'GET /curl?x=1 HTTP/1.1');
  const head = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{content_type}', url]);
  assert.equal(head.stdout, '401 application/problem+json');
});

test('autocannon gets 200 for each of a thousand requests over sixteen connections', async () => {
  const result = await autocannon({
    url,
    amount: 1000,
    connections: 16,
    headers: { authorization: gateway.bearer() },
  });
  assert.equal(result['2xx'], 1000);
  assert.equal(result.non2xx, 0);
  assert.equal(result.errors, 0);
});
