import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testEngine } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { openPreflight } from '../support/preflight.ts';
import { request, type WireResponse } from '../support/wire.ts';

const HSTS = 'max-age=31536000; includeSubDomains';
const responseHeaders = {
  set: new Map([
    ['Strict-Transport-Security', HSTS],
    ['X-Frame-Options', 'DENY'],
    ['Cache-Control', 'public, max-age=60'],
    ['WWW-Authenticate', 'Basic realm="other"'],
  ]),
  remove: ['Server', 'x-powered-by'],
};

describe('the response headers of a route', () => {
  let origin: Origin;
  let gateway: TestGateway;

  before(async () => {
    origin = await Origin.start();
    origin.serve(
      () =>
        'HTTP/1.1 200 OK\r\nSERVER: old/1\r\nX-Powered-By: x\r\nX-Powered-By: y\r\nServer-Timing: a\r\nx-frame-options: SAMEORIGIN\r\n' +
        'Cache-Control: no-store\r\nX-Text: \xfc\r\nContent-Length: 2\r\n\r\nok',
    );
    gateway = await startGateway({
      upstreamPort: origin.port,
      routes: [
        { responseHeaders },
        {
          name: '/cors',
          match: { host: undefined, path: '/cors', methods: undefined },
          responseHeaders,
          preflight: openPreflight,
        },
        {
          name: '/bare',
          match: { host: undefined, path: '/bare', methods: undefined },
          auth: 'none',
        },
        {
          name: '/query',
          match: { host: undefined, path: '/query', methods: undefined },
          token: [{ kind: 'query', name: 't' }],
          responseHeaders: { set: new Map(), remove: ['Cache-Control'] },
        },
      ],
      config: {
        listen: [{ host: '127.0.0.1', port: 0, engine: testEngine }],
        trustedProxies: [{ family: 'ipv4', address: '127.0.0.1', prefix: 32 }],
      },
    });
  });

  after(async () => {
    await gateway.close();
    await origin.close();
  });

  const get = (path: string, ...fields: string[]): Promise<WireResponse> =>
    request(
      gateway.port,
      `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
    );
  const authorized = (): string => `Authorization: ${gateway.bearer()}`;
  const secure = 'X-Forwarded-Proto: https';

  test("replace and remove fields of upstream's responses, and leave the others", async () => {
    for (let count = 0; count < 3; count += 1) {
      const { status, fields, headers, body } = await get('/x', authorized(), secure);
      assert.deepEqual([status, body], [200, 'ok']);
      const names = fields.map(([name]) => name.toLowerCase());
      assert.equal(names.length, new Set(names).size);
      assert.ok(!names.includes('server') && !names.includes('x-powered-by'));
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('cache-control'), 'public, max-age=60');
      assert.equal(headers.get('server-timing'), 'a');
      assert.equal(headers.get('x-text'), '\xfc');
      assert.equal(headers.get('strict-transport-security'), HSTS);
      assert.equal(headers.get('content-length'), '2');
    }
  });

  test('are added to replies of the gateway on this route, whose own fields stay', async () => {
    const { status, headers } = await get('/x', secure);
    assert.equal(status, 401);
    assert.equal(headers.get('strict-transport-security'), HSTS);
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('www-authenticate'), 'Bearer realm="portcullis"');
    const preflight = await request(
      gateway.port,
      `OPTIONS /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\nAccess-Control-Request-Method: GET\r\n${secure}\r\n\r\n`,
    );
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('strict-transport-security'), HSTS);
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
  });

  test('leave Strict-Transport-Security out for clients without TLS', async () => {
    for (const fields of [[authorized()], [], [authorized(), 'X-Forwarded-Proto: http']]) {
      const { headers } = await get('/x', ...fields);
      assert.equal(headers.get('strict-transport-security'), undefined);
      assert.equal(headers.get('x-frame-options'), 'DENY');
    }
  });

  test('change nothing on other routes', async () => {
    const { headers } = await get('/bare', secure);
    assert.equal(headers.get('server'), 'old/1');
    assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN');
    assert.equal(headers.get('strict-transport-security'), undefined);
  });

  test('keep a response to a token in the URL out of shared caches', async () => {
    const { headers } = await get(`/query?t=${gateway.bearer().slice('Bearer '.length)}`);
    assert.equal(headers.get('cache-control'), 'private');
  });
});
