import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { RevocationConfig } from '../../src/config/config.ts';
import { fitSecret } from '../../src/keys/fit.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { post, revocation, revoke, signedClaimsOf } from '../support/revocation.ts';
import { hs256, rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';
import { scrape } from './outcome-rows.ts';

const APP = '63b73f76-7400-487d-b122-5705b848da80';
const HMAC = 'a secret of thirty-two bytes and more';

describe('revocation', () => {
  let upstream: Server;
  let folder: string;
  const open: TestGateway[] = [];
  before(async () => {
    upstream = createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  });
  after(() => upstream.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  });
  afterEach(async () => {
    for (const gateway of open.splice(0)) await gateway.close();
    rmSync(folder, { recursive: true });
  });

  const start = async (
    config: Partial<RevocationConfig> = {},
    issuerPem?: string,
    state?: string,
  ): Promise<TestGateway> => {
    const gateway = await startGateway({
      upstreamPort: (upstream.address() as AddressInfo).port,
      config: { revocation: { ...revocation, ...config }, state },
      issuer: {
        audience: undefined,
        ...(issuerPem === undefined
          ? {}
          : {
              keys: [
                {
                  id: 'shared',
                  kid: undefined,
                  algorithms: ['RS256'],
                  material: { kind: 'public', pem: issuerPem },
                },
              ],
            }),
      },
    });
    open.push(gateway);
    return gateway;
  };
  const get = async (gateway: TestGateway, authorization: string): Promise<number | string> => {
    const bytes = `GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${authorization}\r\n\r\n`;
    const { status, body } = await request(gateway.port, bytes);
    return status === 200 ? 200 : (JSON.parse(body).code as string);
  };
  const metric = async (gateway: TestGateway, name: string): Promise<number> =>
    Number(new RegExp(`^portcullis_${name} (\\S+)$`, 'm').exec(await scrape(gateway.adminPort))?.[1]);
  const page = async (gateway: TestGateway, path: string): Promise<WireResponse> =>
    request(gateway.adminPort, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const fusionauth = { issuer: 'test', listen: undefined, key: undefined };
  const send = (
    gateway: TestGateway,
    event: object,
    sign: (claims: object) => string = (claims) => rs256(gateway.key, claims),
    port = gateway.adminPort,
  ): Promise<WireResponse> => {
    const body = JSON.stringify({
      event: { id: `${Math.random()}`, createInstant: Date.now() - 1_000, ...event },
    });
    const signature = sign(signedClaimsOf(body));
    return post(port, '/webhooks/fusionauth', body, `X-FusionAuth-Signature-JWT: ${signature}`);
  };

  test('refuses a known token at its next request, on an open connection too; others stay known', async () => {
    const gateway = await start();
    const iat = secondsFromNow(-10);
    const [alice, bob] = [gateway.bearer({ sub: 'alice', iat }), gateway.bearer({ sub: 'bob', iat })];
    const wire = await Wire.open(gateway.port);
    wire.send(`GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${alice}\r\n\r\n`);
    assert.equal((await wire.response()).status, 200);
    assert.equal(await get(gateway, bob), 200);
    const misses = await metric(gateway, 'token_cache_misses_total');

    assert.deepEqual(JSON.parse((await revoke(gateway.adminPort, { sub: 'alice' })).body), { accepted: 1 });
    wire.send(`GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${alice}\r\n\r\n`);
    const refused = await wire.response();
    wire.close();
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
    assert.equal(JSON.parse(refused.body).code, 'token_revoked');
    assert.equal(await get(gateway, bob), 200);
    assert.equal(await metric(gateway, 'token_cache_misses_total'), misses);
    assert.equal(await get(gateway, alice), 'token_revoked');
    assert.equal(await get(gateway, gateway.bearer({ sub: 'alice', iat: secondsFromNow(1) })), 200);
    assert.equal(await get(gateway, gateway.bearer({ sub: 'alice' })), 'token_revoked');
  });

  test('reaches the tokens it names and no others', async () => {
    const gateway = await start();
    const iat = secondsFromNow(-10);
    const token = { sub: 'alice', sid: 's1', jti: 'j1', azp: 'shop', iat };
    for (const [what, hit, miss] of [
      [{ jti: 'j1' }, { jti: 'j1' }, { jti: 'j2' }],
      [{ sid: 's1' }, { sid: 's1' }, { sid: 's2', jti: 'j2' }],
      [{ sub: 'carol', application: 'shop' }, { sub: 'carol' }, { sub: 'carol', azp: 'desk' }],
      [{ application: 'desk', before: iat }, { azp: 'desk' }, { azp: 'desk', iat: iat + 1 }],
    ] as const) {
      const [bad, good] = [hit, miss].map((claims) =>
        gateway.bearer({ ...token, jti: 'none', sid: 'none', ...claims }),
      ) as [string, string];
      assert.equal(await get(gateway, bad), 200, JSON.stringify(what));
      assert.equal((await revoke(gateway.adminPort, { issuer: 'test', ...what })).status, 200);
      assert.equal(await get(gateway, bad), 'token_revoked', JSON.stringify(what));
      assert.equal(await get(gateway, good), 200, JSON.stringify(what));
    }
  });

  test('survives a restart with a state folder', async () => {
    const { pem, ...key } = rsaKey();
    const claims = {
      iss: 'https://issuer.example',
      sub: 'alice',
      exp: secondsFromNow(300),
      iat: secondsFromNow(-5),
    };
    const [alice, bob] = [claims, { ...claims, sub: 'bob' }].map(
      (of) => `Bearer ${rs256({ ...key, pem }, of)}`,
    ) as [string, string];
    const first = await start({}, pem, folder);
    await revoke(first.adminPort, { sub: 'alice' });
    await first.close();
    const second = await start({}, pem, folder);
    assert.equal(await get(second, alice), 'token_revoked');
    assert.equal(await get(second, bob), 200);
    assert.equal((await page(second, '/readyz')).status, 200);
    const { revocations } = JSON.parse((await page(second, '/status')).body);
    assert.equal(revocations.entries, 1);
    assert.match(revocations.oldest, /^20\d\d-.*Z$/);
  });

  test('refuses to start where revocations cannot be kept', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await assert.rejects(start({}, undefined, join(file, 'state')), { name: 'StartError', message: /state/ });
  });

  test('FusionAuth’s events revoke tokens by user, application and session', async () => {
    const gateway = await start({ fusionauth });
    const iat = secondsFromNow(-10);
    const token = (claims: object): string =>
      gateway.bearer({ aud: APP, applicationId: APP, iat, ...claims });
    const rows: [event: object, hit: object, miss: object][] = [
      [
        { type: 'jwt.refresh-token.revoke', userId: 'u1', applicationId: APP, refreshToken: { id: 's1' } },
        { sub: 'u1', sid: 's1' },
        { sub: 'u1', sid: 's2' },
      ],
      [{ type: 'jwt.refresh-token.revoke', userId: 'u2' }, { sub: 'u2', sid: 's3' }, { sub: 'u3' }],
      [{ type: 'user.deactivate', user: { id: 'u4' } }, { sub: 'u4' }, { sub: 'u4', iat: iat + 60 }],
      [
        { type: 'user.registration.delete', user: { id: 'u5' }, applicationId: APP },
        { sub: 'u5' },
        { sub: 'u5', aud: 'other', applicationId: 'other' },
      ],
      [
        { type: 'jwt.refresh-token.revoke', applicationId: APP },
        { sub: 'u6' },
        { sub: 'u6', aud: 'x', applicationId: 'x' },
      ],
    ];
    for (const [event, hit, miss] of rows) {
      assert.equal(await get(gateway, token(hit)), 200);
      const reply = await send(gateway, event);
      assert.deepEqual([reply.status, reply.body], [200, '{"accepted":true}\n']);
      assert.equal(await get(gateway, token(hit)), 'token_revoked', JSON.stringify(event));
      assert.equal(await get(gateway, token(miss)), 200, JSON.stringify(event));
    }
    assert.match(
      await scrape(gateway.adminPort),
      /^portcullis_revocations_received_total\{source="fusionauth"\} 5$/m,
    );
  });

  test('an event with a wrong signature, another body or no signature changes nothing', async () => {
    const gateway = await start({ fusionauth });
    const alice = gateway.bearer({ sub: 'alice', iat: secondsFromNow(-10) });
    assert.equal(await get(gateway, alice), 200);
    const event = { type: 'user.delete', user: { id: 'alice' } };
    const stranger = rsaKey();
    const flip = (token: string): string => {
      const [head, payload, signature = ''] = token.split('.');
      return `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    };
    for (const [what, sign] of [
      ['another key', (claims: object) => rs256(stranger, claims)],
      ['a broken signature', (claims: object) => flip(rs256(gateway.key, claims))],
      ['another body', () => rs256(gateway.key, signedClaimsOf('another'))],
      ['no body', () => rs256(gateway.key, { sub: 'alice' })],
      ['alg none', (claims: object) => `${rs256(gateway.key, claims, { alg: 'none' })}`],
      ['the public key as a secret', (claims: object) => hs256(gateway.key.pem, claims)],
      ['crit', (claims: object) => rs256(gateway.key, claims, { alg: 'RS256', crit: ['x'], x: 1 })],
      ['four segments', (claims: object) => `${rs256(gateway.key, claims)}.x`],
      ['two signatures', (claims: object) => `${rs256(gateway.key, claims)}, ${rs256(gateway.key, claims)}`],
      ['expired', (claims: object) => rs256(gateway.key, { ...claims, exp: secondsFromNow(-1) })],
      ['a client’s token', () => alice.slice(7)],
    ] as const) {
      assert.equal((await send(gateway, event, sign)).status, 401, what);
    }
    const unsigned = await post(gateway.adminPort, '/webhooks/fusionauth', JSON.stringify({ event }));
    assert.equal(unsigned.status, 401);
    assert.equal(await get(gateway, alice), 200);
    assert.equal((await send(gateway, event)).status, 200);
    assert.equal(await get(gateway, alice), 'token_revoked');
    assert.match(
      await scrape(gateway.adminPort),
      /^portcullis_revocations_refused_total\{source="fusionauth"\} 12$/m,
    );
  });

  test('webhooks may be signed with a secret, and have their own address', async () => {
    const key = fitSecret(HMAC, ['HS256']);
    const gateway = await start({
      secret: undefined,
      fusionauth: { issuer: 'test', listen: { host: '127.0.0.1', port: 0 }, key },
    });
    const port = Number(gateway.gateway.addresses.webhooks?.split(':').at(-1));
    const event = { type: 'user.delete', user: { id: 'alice' } };
    const alice = gateway.bearer({ sub: 'alice', iat: secondsFromNow(-10) });
    assert.equal(await get(gateway, alice), 200);
    assert.equal((await send(gateway, event, (claims) => rs256(gateway.key, claims), port)).status, 401);
    assert.equal((await send(gateway, event, (claims) => hs256(HMAC, claims))).status, 404);
    assert.equal((await send(gateway, event, (claims) => hs256(HMAC, claims), port)).status, 200);
    assert.equal(await get(gateway, alice), 'token_revoked');
    assert.equal((await revoke(gateway.adminPort, { sub: 'x' })).status, 404);
    assert.equal((await request(port, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 404);
  });

  test('of ten thousand tokens refuses all of them, and one more is refused with an error', async () => {
    const gateway = await start({ entries: 10_000 });
    const user = (index: number): string =>
      gateway.bearer({ sub: `user ${index}`, iat: secondsFromNow(-10) });
    assert.equal(await get(gateway, user(7_777)), 200);
    for (let from = 0; from < 10_000; from += 2_500) {
      const some = Array.from({ length: 2_500 }, (_, index) => ({ sub: `user ${from + index}` }));
      assert.equal((await revoke(gateway.adminPort, some)).status, 200);
    }
    assert.equal(await metric(gateway, 'revocations'), 10_000);
    for (const index of [0, 7_777, 9_999]) assert.equal(await get(gateway, user(index)), 'token_revoked');
    assert.equal(await get(gateway, user(10_000)), 200);
    assert.equal((await page(gateway, '/readyz')).status, 200);
    assert.equal((await revoke(gateway.adminPort, { sub: 'user 10000' })).status, 503);
    const ready = await page(gateway, '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /revocation\.entries/);
  });
});
