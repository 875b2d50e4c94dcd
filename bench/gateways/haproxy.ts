import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../probe.ts';
import { findProgram } from '../programs.ts';
import type { Gateway, GatewaySetup, RunningGateway } from './gateway.ts';

/** Bytes: HAProxy's own default, an order of magnitude above the requests sent here. */
const BUFFER_SIZE = 16_384;
/**
 * Clients at a time: far more than most loads have. HAProxy wants two descriptors for each of them, although upstream
 * connections are few here; `no strict-limits` lets it start with what `ulimit -n` has.
 */
const CLIENTS = 4096;

/** The rules of FusionAuth's walk-through: presence, algorithm, issuer, audience, signature, expiry, in this order. */
function walkThroughRules({ keyFile, issuer, audience }: GatewaySetup): string {
  const deny = (message: string): string =>
    `http-request deny content-type 'text/html' string '${message}' unless`;
  return `
  ${deny('Missing Authorization HTTP header')} { req.hdr(authorization) -m found }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  ${deny('Unsupported JWT signing algorithm')} { var(txn.alg) -m str RS256 }
  ${deny('Invalid JWT issuer')} { var(txn.iss) -m str ${issuer} }
  ${deny('Invalid JWT audience')} { var(txn.aud) -m str ${audience} }
  ${deny('Invalid JWT signature')} { http_auth_bearer,jwt_verify(txn.alg,"${keyFile}") -m int 1 }
  http-request set-var(txn.now) date()
  ${deny('JWT has expired')} { var(txn.exp),sub(txn.now) -m int gt 0 }`;
}

interface Terms {
  /** Lines of the frontend that refuse requests. */
  readonly rules?: string;
  /** Words behind the address. */
  readonly bind?: string;
  /** Words behind the address of the server. */
  readonly server?: string;
  /** Ports of the servers; the usual one by default. */
  readonly ports?: readonly number[];
  /** Lines of the backend. */
  readonly backend?: string;
  /** A line of the section `global`. */
  readonly global?: string;
  /** Further sections. */
  readonly sections?: string;
  /** Clients at a time. */
  readonly clients?: number;
}

async function start(
  setup: GatewaySetup,
  {
    rules = '',
    bind = '',
    server = '',
    clients = CLIENTS,
    ports = [setup.upstreamPort],
    backend = '',
    global = '',
    sections = '',
  }: Terms,
): Promise<RunningGateway> {
  const port = await freePort();
  const configuration = `global
  nbthread 1
  maxconn ${clients}
  no strict-limits
  tune.bufsize ${BUFFER_SIZE}
  ${global}
${sections}defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  http-reuse always
frontend traffic
  bind 127.0.0.1:${port}${bind}${rules}
  default_backend app
backend app${backend}
${ports.map((at, index) => `  server app-${index} 127.0.0.1:${at}${server}\n`).join('')}`;
  const file = join(setup.directory, 'haproxy.cfg');
  writeFileSync(file, configuration);
  const subprocess = setup.subprocesses.spawn('gateway', findProgram('haproxy') ?? 'haproxy', [
    '-db',
    '-f',
    file,
  ]);
  return { subprocess, port, configuration };
}

const unavailable = (): string | undefined =>
  findProgram('haproxy') === undefined ? 'haproxy is not installed: apt-get install -y haproxy' : undefined;

/** HAProxy as a proxy alone, with terms of a scenario's own. */
export function haproxyWithoutRules(
  changes: Pick<Gateway, 'description' | 'speech'> & Partial<Pick<Gateway, 'name'>>,
  terms: Terms,
): Gateway {
  return {
    name: 'haproxy-plain',
    ...changes,
    checksTokens: false,
    unavailable,
    start: (setup) => start(setup, terms),
  };
}

/** The floor: an HTTP proxy that checks nothing. */
export const haproxyPlain = haproxyWithoutRules({ description: 'HAProxy, one thread, no rules' }, {});

/** The floor with several servers, of which the least loaded gets the next request. */
export function haproxyOver(ports: readonly number[]): Gateway {
  return haproxyWithoutRules(
    { description: `HAProxy, one thread, no rules, leastconn over ${ports.length} servers` },
    { ports, backend: '\n  balance leastconn' },
  );
}

/** The floor for clients that speak HTTP/2 by prior knowledge. */
export const haproxyH2c = haproxyWithoutRules(
  { description: 'HAProxy, one thread, no rules, HTTP/2 with clients', speech: 'h2c' },
  { bind: ' proto h2' },
);

/** The floor in front of a server that speaks HTTP/2 by prior knowledge. */
export const haproxyToH2 = haproxyWithoutRules(
  { description: 'HAProxy, one thread, no rules, HTTP/2 with the server' },
  { server: ' proto h2' },
);

/** The floor in front of a server that speaks TLS. @param ca file of the authority that has signed for `localhost`. */
export function haproxyToTls(ca: string, port: number): Gateway {
  return haproxyWithoutRules(
    { description: 'HAProxy, one thread, no rules, TLS with the server' },
    {
      ports: [port],
      server: ` ssl verify required ca-file ${ca} sni str(localhost) verifyhost localhost`,
    },
  );
}

const tlsBind = (pem: string): string => ` ssl crt ${pem} alpn http/1.1`;

/** The floor for clients that speak HTTP/1.1 on TLS. @param pem file of the certificate and its key. */
export function haproxyTls(pem: string): Gateway {
  return haproxyWithoutRules(
    { description: 'HAProxy, one thread, no rules, TLS with clients', speech: 'https' },
    { bind: tlsBind(pem) },
  );
}

/** The floor with room for more clients. @param pem file of a certificate and its key, for clients that speak TLS. */
export function haproxyFor(clients: number, pem?: string): Gateway {
  const description = `HAProxy, one thread, no rules, maxconn ${clients}`;
  if (pem === undefined) return haproxyWithoutRules({ description }, { clients });
  return haproxyWithoutRules(
    { name: 'haproxy-tls', description: `${description}, TLS with clients`, speech: 'https' },
    { clients, bind: tlsBind(pem) },
  );
}

/** With the rules of the walk-through. @param clients at a time. */
export function haproxyJwtFor(clients: number): Gateway {
  return {
    name: 'haproxy-jwt',
    description: "HAProxy, one thread, FusionAuth's walk-through rules",
    checksTokens: true,
    unavailable,
    start: (setup) => start(setup, { clients, rules: walkThroughRules(setup) }),
  };
}

export const haproxyJwt = haproxyJwtFor(CLIENTS);
