import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import Provider, { type Configuration, type JWK } from 'oidc-provider';
import { eventually, type TestGateway } from '../support/gateway.ts';
import { keyPair, type TestKey } from '../support/tokens.ts';
import { isReady, outcome, shownKeySets, startFetching, startUpstream } from './fetched-gateway.ts';

const AUDIENCE = 'https://orders.example';
const CLIENT = { client_id: 'service', client_secret: 'the secret of a test client' };

interface SigningKey {
  readonly kid: string;
  readonly key: TestKey;
}

/** A real OpenID provider on loopback, whose keys rotate as an operator rotates them: by a restart. */
class OpenIdProvider {
  readonly issuer: string;
  readonly #algorithm: string;
  readonly #server: ReturnType<typeof createServer>;
  #serve: RequestListener = (_, response) => response.writeHead(503).end();
  keySetsServed = 0;

  private constructor(server: ReturnType<typeof createServer>, algorithm: string) {
    this.#server = server;
    this.#algorithm = algorithm;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      if (request.url === '/jwks') this.keySetsServed += 1;
      this.#serve(request, response);
    });
  }

  static async start(algorithm: string): Promise<OpenIdProvider> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OpenIdProvider(server, algorithm);
  }

  /** Publishes these keys; the first one signs. */
  publish(...keys: readonly SigningKey[]): void {
    const algorithm = this.#algorithm;
    const configuration: Configuration = {
      clients: [
        {
          ...CLIENT,
          id_token_signed_response_alg: algorithm as 'RS256',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      cookies: { keys: ['a key of a test'] },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: 'read',
            audience: AUDIENCE,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: algorithm as 'RS256' } },
          }),
        },
      },
      jwks: {
        keys: keys.map(({ kid, key }) => ({
          ...(key.privateKey.export({ format: 'jwk' }) as unknown as JWK),
          kid,
          alg: algorithm,
          use: 'sig',
        })),
      },
    };
    this.#serve = new Provider(this.issuer, configuration).callback();
  }

  /** A fresh access token by client credentials, and the key that signed it. */
  async token(): Promise<{ readonly token: string; readonly kid: string }> {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...CLIENT,
        grant_type: 'client_credentials',
        resource: AUDIENCE,
        scope: 'read',
      }),
    });
    const grant = (await response.json()) as { access_token?: string };
    const token = grant.access_token ?? assert.fail(JSON.stringify(grant));
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string;
    };
    return { token, kid };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

const upstream = await startUpstream();
after(() => upstream.close());

interface Stand {
  readonly provider: OpenIdProvider;
  readonly gateway: TestGateway;
  readonly old: SigningKey;
  readonly fresh: SigningKey;
}

/** A gateway that knows the provider only by discovery, which publishes `old`. */
async function withProvider(algorithm: string, use: (stand: Stand) => Promise<void>): Promise<void> {
  const provider = await OpenIdProvider.start(algorithm);
  const old = { kid: 'old', key: keyPair(algorithm) };
  const fresh = { kid: 'fresh', key: keyPair(algorithm) };
  provider.publish(old);
  const gateway = await startFetching(upstream, {
    url: `${provider.issuer}/.well-known/openid-configuration`,
    remote: { kind: 'discovery' },
    issuer: { issuer: provider.issuer, audience: [AUDIENCE], algorithms: [algorithm] },
  });
  try {
    await eventually(() => isReady(gateway), Boolean);
    await use({ provider, gateway, old, fresh });
  } finally {
    await gateway.close();
    await provider.close();
  }
}

/** Sends requests without a pause, each with a currently valid token, until it is stopped. */
class Traffic {
  readonly outcomes = new Map<string, number>();
  readonly tokens: string[] = [];
  readonly #port: number;
  #stopped = false;
  readonly #clients: readonly Promise<void>[];

  constructor(port: number, token: string) {
    this.#port = port;
    this.tokens.push(token);
    this.#clients = [this.#client(0), this.#client(1)];
  }

  async #client(number: number): Promise<void> {
    for (let sent = number; !this.#stopped; sent += 1) {
      const result = await outcome(this.#port, this.tokens[sent % this.tokens.length] ?? '');
      this.outcomes.set(result, (this.outcomes.get(result) ?? 0) + 1);
    }
  }

  get served(): number {
    return this.outcomes.get('200') ?? 0;
  }

  /** Resolves when that many more have been served. */
  async serve(more: number): Promise<void> {
    const wanted = this.served + more;
    await eventually(
      () => this.served,
      (served) => served >= wanted,
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }
}

describe('a real OpenID provider', () => {
  for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    test(`is known by discovery, and its ${algorithm} access tokens are accepted`, () =>
      withProvider(algorithm, async ({ provider, gateway, fresh }) => {
        const { token, kid } = await provider.token();
        assert.equal(kid, 'old');
        assert.equal(await outcome(gateway.port, token), '200');
        assert.deepEqual((await shownKeySets(gateway))[0]?.kids, ['old']);

        // A provider with another key that claims the same name.
        const impostor = await OpenIdProvider.start(algorithm);
        impostor.publish({ kid: 'old', key: fresh.key });
        const forged = await impostor.token();
        await impostor.close();
        assert.equal(await outcome(gateway.port, forged.token), '401 issuer_mismatch');
        const [head, , signature] = forged.token.split('.');
        const claims = token.split('.')[1];
        assert.equal(await outcome(gateway.port, `${head}.${claims}.${signature}`), '401 signature_invalid');
      }));
  }

  test('rotates its keys in order during requests, and none of them fails', () =>
    withProvider('RS256', async ({ provider, gateway, old, fresh }) => {
      const traffic = new Traffic(gateway.port, (await provider.token()).token);
      await traffic.serve(20);
      provider.publish(old, fresh);
      await traffic.serve(20);
      provider.publish(fresh, old);
      const next = await provider.token();
      assert.equal(next.kid, 'fresh');
      traffic.tokens.push(next.token);
      await traffic.serve(40);
      await traffic.stop();
      assert.deepEqual([...traffic.outcomes.keys()], ['200']);
      assert.deepEqual((await shownKeySets(gateway))[0]?.kids, ['fresh', 'old']);
      assert.equal(provider.keySetsServed, 2);
    }));

  test('rotates without a warning: the first token of the new key waits and is accepted, the old ones end', () =>
    withProvider('ES256', async ({ provider, gateway, fresh }) => {
      const before = await provider.token();
      const traffic = new Traffic(gateway.port, before.token);
      await traffic.serve(20);
      await traffic.stop();
      provider.publish(fresh);
      const next = await provider.token();
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => outcome(gateway.port, next.token)),
      );
      assert.deepEqual(new Set(responses), new Set(['200']));
      assert.equal(provider.keySetsServed, 2);
      assert.equal(await outcome(gateway.port, before.token), '401 key_unknown');
      assert.deepEqual([...traffic.outcomes.keys()], ['200']);
    }));

  test('with another name than the configured one is not believed', async () => {
    const provider = await OpenIdProvider.start('RS256');
    provider.publish({ kid: 'old', key: keyPair('RS256') });
    const gateway = await startFetching(upstream, {
      url: `${provider.issuer}/.well-known/openid-configuration`,
      remote: { kind: 'discovery' },
      issuer: { issuer: `${provider.issuer}/`, audience: [AUDIENCE] },
    });
    const [shown] = await eventually(
      () => shownKeySets(gateway),
      ([seen]) => seen?.lastError !== null,
    );
    assert.match(shown?.lastError ?? '', /differ in the slash at the end alone; must be equal$/);
    assert.deepEqual([shown?.kids, provider.keySetsServed], [[], 0]);
    await gateway.close();
    await provider.close();
  });
});
