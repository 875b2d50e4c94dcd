import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config, IssuerConfig, RemoteKeysConfig, RouteConfig } from '../../src/config/config.ts';
import type { Log } from '../../src/lib/log.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { rs256, secondsFromNow, type TestKey } from '../support/tokens.ts';
import { request, type WireResponse } from '../support/wire.ts';
import { remoteKeys } from './support.ts';

/** An upstream that responds to every request with 200. */
export interface Upstream {
  readonly port: number;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const server = createServer((_, response) => response.end('served'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export interface FetchedOptions {
  /** The address of the keys. */
  readonly url: string;
  readonly remote?: Partial<RemoteKeysConfig>;
  readonly issuer?: Partial<IssuerConfig>;
  readonly config?: Partial<Pick<Config, 'issuers' | 'state' | 'revocation'>>;
  readonly routes?: readonly Partial<RouteConfig>[];
  readonly log?: Log;
}

/** A gateway whose one issuer publishes its keys at `url`. */
export function startFetching(upstream: Upstream, options: FetchedOptions): Promise<TestGateway> {
  const { config, log, routes } = options;
  return startGateway({
    upstreamPort: upstream.port,
    issuer: { keys: [], remotes: [remoteKeys(options.url, options.remote)], ...options.issuer },
    ...(config === undefined ? {} : { config }),
    ...(routes === undefined ? {} : { routes }),
    ...(log === undefined ? {} : { log }),
  });
}

/** A token as signed by the gateway's issuer. */
export function token(key: TestKey, kid: string, claims: Readonly<Record<string, unknown>> = {}): string {
  const payload = {
    iss: 'https://issuer.example',
    aud: 'orders',
    sub: 'user',
    exp: secondsFromNow(300),
    ...claims,
  };
  return rs256(key, payload, { alg: 'RS256', kid });
}

export function ask(port: number, bearer: string, path = '/'): Promise<WireResponse> {
  const head = `GET ${path} HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer ${bearer}\r\nConnection: close\r\n\r\n`;
  return request(port, head);
}

/** `200`, or the status with the reason. */
export async function outcome(port: number, bearer: string, path = '/'): Promise<string> {
  const { status, body } = await ask(port, bearer, path);
  return status === 200 ? '200' : `${status} ${(JSON.parse(body) as { code: string }).code}`;
}

/** A page of the admin address, with its status. */
export async function page(
  gateway: TestGateway,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return request(gateway.adminPort, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
}

export interface ShownKeySet {
  readonly issuer: string;
  readonly source: string;
  readonly kids: readonly string[];
  readonly ageSeconds: number | null;
  readonly nextRefreshSeconds: number | null;
  readonly lastError: string | null;
  readonly ignored: readonly string[];
}

export async function shownKeySets(gateway: TestGateway): Promise<readonly ShownKeySet[]> {
  return (JSON.parse((await page(gateway, '/status')).body) as { keySets: ShownKeySet[] }).keySets;
}

/** Resolves when the gateway has keys of its issuers. */
export async function isReady(gateway: TestGateway): Promise<boolean> {
  return (await page(gateway, '/readyz')).status === 200;
}
