import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { TestRedis } from '../support/redis.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request } from '../support/wire.ts';

describe('gateways with one Redis', needs('redis-server'), () => {
  let redis: TestRedis;
  let upstream: Server;
  const open: TestGateway[] = [];
  const key = rsaKey();
  before(async () => {
    redis = await TestRedis.start();
    upstream = createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    for (const gateway of open) await gateway.close();
    await redis.stop();
    upstream.close();
  });

  const start = async (required: boolean): Promise<TestGateway> => {
    const gateway = await startGateway({
      upstreamPort: (upstream.address() as AddressInfo).port,
      config: { revocation: { ...revocation, redis: { url: redis.url, required, secret: undefined } } },
      issuer: {
        keys: [
          {
            id: 'shared',
            kid: undefined,
            algorithms: ['RS256'],
            material: { kind: 'public', pem: key.pem },
          },
        ],
      },
    });
    open.push(gateway);
    return gateway;
  };
  const token = (sub: string): string =>
    `Bearer ${rs256(key, {
      iss: 'https://issuer.example',
      aud: 'orders',
      sub,
      iat: secondsFromNow(-10),
      exp: secondsFromNow(300),
    })}`;
  const get = async ({ port }: TestGateway, authorization: string): Promise<number> =>
    (await request(port, `GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${authorization}\r\n\r\n`))
      .status;
  const ready = async ({ adminPort }: TestGateway): Promise<number> =>
    (await request(adminPort, 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')).status;
  const is =
    (status: number) =>
    (seen: number): boolean =>
      seen === status;

  test('refuse a revoked token everywhere, also at a gateway that starts later, and report an unreachable Redis if configured', async () => {
    const [a, b] = [await start(true), await start(false)];
    const [alice, bob] = [token('alice'), token('bob')];
    for (const gateway of [a, b]) assert.equal(await get(gateway, alice), 200);
    assert.equal((await revoke(a.adminPort, { sub: 'alice' })).status, 200);
    assert.equal(await get(a, alice), 401);
    await eventually(() => get(b, alice), is(401));
    assert.equal(await get(await start(false), alice), 401);

    assert.deepEqual([await ready(a), await ready(b)], [200, 200]);
    await redis.stop();
    await eventually(() => ready(a), is(503));
    assert.equal(await ready(b), 200);
    assert.equal(await get(b, alice), 401);
    assert.equal((await revoke(b.adminPort, { sub: 'bob' })).status, 200);
    assert.equal(await get(b, bob), 401);
    await redis.start();
    await eventually(() => ready(a), is(200));
    await eventually(() => get(a, bob), is(401));
  });
});
