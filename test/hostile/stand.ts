import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { IssuerConfig } from '../../src/config/config.ts';
import { fitPublicKey, fitSecret } from '../../src/keys/fit.ts';
import type { VerificationKey } from '../../src/keys/key.ts';
import { parsePem } from '../../src/keys/pem.ts';
import type { PublicKey } from '../../src/keys/public-key.ts';
import { startGateway, sums, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { issuerConfig } from '../support/issuer.ts';
import { Origin } from '../support/origin.ts';
import { secondsFromNow, type TestKey } from '../support/tokens.ts';
import { request, Wire, type WireResponse } from '../support/wire.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'orders';
/** Secret of the HMAC issuers, long enough for HS512. */
export const SECRET = 'a secret that only the configuration holds, of sixty-four bytes or more';
/** The largest head that a configuration allows, so that long tokens are refused for their own length. */
const HEAD_BYTES = 256 * 1024;

/** Accepted claims, with changes. */
export function claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { iss: ISSUER, aud: AUDIENCE, sub: 'user-1', exp: secondsFromNow(300), ...changes };
}

/** A key as the configuration reads it, for the algorithms of the list that it can verify. */
export function verificationKey(
  key: TestKey | string,
  algorithms: readonly string[],
  kid?: string,
): VerificationKey {
  if (typeof key === 'string') return fitSecret(key, algorithms);
  const [parsed] = parsePem(key.pem) as [PublicKey];
  const fitted = fitPublicKey({ ...parsed, kid }, algorithms);
  assert.ok(fitted, `the key can verify none of ${algorithms}`);
  return fitted;
}

export function issuerOf(
  name: string,
  algorithms: readonly string[],
  keys: readonly VerificationKey[],
  changes: Partial<IssuerConfig> = {},
): IssuerConfig {
  return issuerConfig({
    name,
    issuer: ISSUER,
    audience: [AUDIENCE],
    algorithms,
    keys,
    ...changes,
  });
}

/** The outcome of a request: `permit`, or the status and the reason. */
function outcomeOf(response: WireResponse): string {
  if (response.status === 200 && response.body === 'let in') return 'permit';
  const reason = /"code":"(\w+)"/.exec(response.body)?.[1] ?? '';
  return `${response.status} ${reason}`;
}

/**
 * A running gateway before an upstream that records every request. Requests that must be refused and requests that must
 * pass go to different paths, so that `close` can check that none of the first kind has come through.
 */
export class Stand {
  readonly gateway: TestGateway;
  /** Heads of the requests that upstream has seen. */
  readonly seen: string[];
  readonly #origin: Origin;
  #wire: Wire | undefined;

  private constructor(gateway: TestGateway, origin: Origin, seen: string[]) {
    this.gateway = gateway;
    this.#origin = origin;
    this.seen = seen;
  }

  static async start(
    issuers: readonly IssuerConfig[],
    config: TestOptions['config'] = {},
    route: NonNullable<TestOptions['routes']>[number] = {},
  ): Promise<Stand> {
    const origin = await Origin.start();
    const seen: string[] = [];
    origin.serve((text) => {
      seen.push(text);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlet in';
    });
    try {
      const gateway = await startGateway({
        upstreamPort: origin.port,
        config: {
          ...config,
          issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])),
          limits: { requestHead: HEAD_BYTES },
        },
        routes: [{ auth: issuers.map(({ name }) => name), ...route }],
      });
      return new Stand(gateway, origin, seen);
    } catch (error) {
      await origin.close();
      throw error;
    }
  }

  /** Expects a refusal, twice, because what the gateway remembers of the first must not help the second. */
  async refuses(token: string, expected: string, name: string = expected): Promise<void> {
    const authorization = `Bearer ${token}`;
    assert.equal(await this.ask(authorization, '/attack'), expected, name);
    assert.equal(await this.ask(authorization, '/attack'), expected, `${name}, the second time`);
  }

  /** Expects success: the surroundings of an attack must be in order, or its refusal proves nothing. */
  async admits(token: string, name = 'a good token'): Promise<void> {
    assert.equal(await this.ask(`Bearer ${token}`, '/control'), 'permit', name);
  }

  async ask(authorization: string, path: string): Promise<string> {
    const wire = this.#wire ?? (await Wire.open(this.gateway.port));
    this.#wire = undefined;
    wire.send(`GET ${path} HTTP/1.1\r\nHost: app.example\r\nAuthorization: ${authorization}\r\n\r\n`);
    const response = await wire.response();
    if (response.closed) wire.close();
    else this.#wire = wire;
    return outcomeOf(response);
  }

  /** Value of a metric without labels. */
  async metric(name: string): Promise<number> {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await this.#metrics())?.[1];
    assert.ok(value !== undefined, `there is no metric ${name}`);
    return Number(value);
  }

  async outcomes(): Promise<Record<string, number>> {
    return sums(await this.#metrics(), 'portcullis_requests_total', 'outcome');
  }

  async #metrics(): Promise<string> {
    const bytes = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    return (await request(this.gateway.adminPort, bytes)).body;
  }

  /** Closes everything; fails when a request that must be refused has reached upstream. */
  async close(): Promise<void> {
    this.#wire?.close();
    await this.gateway.close();
    await this.#origin.close();
    assert.deepEqual(
      this.seen.filter((text) => !text.startsWith('GET /control ')),
      [],
    );
  }
}

/** A stand for all tests of a file or a `describe`, made before and closed after them. */
export function standFor(...settings: Parameters<typeof Stand.start>): () => Stand {
  let stand: Stand | undefined;
  before(async () => {
    stand = await Stand.start(...settings);
  });
  after(() => stand?.close());
  return () => stand as Stand;
}

/** A compact token of these three parts, encoded as given. */
export function compact(header: unknown, payload: unknown, signature: string | Buffer): string {
  return [header, payload, signature].map(segment).join('.');
}

/** base64url of text or bytes unchanged, of anything else as JSON. */
export function segment(part: unknown): string {
  const bytes = Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  return bytes.toString('base64url');
}
