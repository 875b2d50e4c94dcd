import { AUDIENCE, ISSUER, PARTNER, PARTNER_SECRET } from './tokens.ts';
import type { UpstreamName } from './upstream.ts';

export const REVOCATION_SECRET = 'r'.repeat(32);
export const WORKERS = 2;
/** Seconds for a replaced worker. */
export const GRACE_SECONDS = 10;
/** Bytes of a request body; longer ones are refused. */
export const BODY_LIMIT = 12 * 1024 * 1024;

/** The path below which a gateway opens WebSockets. */
export const TUNNEL_PATH = '/ws';

/** The addresses of the other programs for a gateway under soak, and its folder. */
export interface Places {
  readonly engine: 'uws' | 'node';
  /** Whether there is a route that opens WebSockets. */
  readonly tunnels: boolean;
  readonly jwks: string;
  readonly upstreams: Readonly<Record<UpstreamName, string>>;
  readonly state: string;
  /** The file of the certificate and its key; undefined: without TLS. */
  readonly certificate: string | undefined;
}

/** The treatment of requests for `/gate` in one version of the configuration. */
export const gateOf = (version: number): 'open' | 'closed' | 'absent' =>
  (['open', 'closed', 'absent'] as const)[version % 3] as 'open' | 'closed' | 'absent';

/** The upstream of `/where`. */
export const whereOf = (version: number): UpstreamName => (version % 2 === 0 ? 'a' : 'b');

/** Whether tokens of the other issuer are accepted. */
export const takesPartner = (version: number): boolean => version % 4 < 2;

/** The configuration of one version. Some routes, issuers and upstream names differ in each. */
export function configOf(
  version: number,
  { engine, tunnels, jwks, upstreams, state, certificate }: Places,
): object {
  const nameOf = (upstream: UpstreamName): string => `${upstream}${version % 3}`;
  const auth = takesPartner(version) ? ['main', 'partner'] : ['main'];
  const route = (path: string, more: object = {}): object => ({
    match: { path },
    auth,
    upstream: nameOf('a'),
    forward: { headers: { 'X-User-Id': 'sub' } },
    ...more,
  });
  const gates = {
    open: [route('/gate')],
    closed: [route('/gate', { require: { scopes: ['never'] } })],
    absent: [],
  };
  const times = { connect: '2s', response: '4s', idle: '3s' };
  return {
    listen: [{ address: '127.0.0.1:0', engine, ...(certificate && { tls: { certificates: certificate } }) }],
    admin: '127.0.0.1:0',
    listeners: WORKERS,
    verifiers: 1,
    issuers: {
      main: {
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: ['RS256'],
        keys: { jwks, refreshMin: '1m', unknownKidGap: '3s' },
      },
      ...(takesPartner(version) ? { partner } : {}),
    },
    upstreams: Object.fromEntries(
      (['a', 'b'] as const).map((name) => [
        nameOf(name),
        {
          servers: [upstreams[name]],
          timeouts: times,
          limits: { connections: 128 },
          pipelining: name === 'b' ? 4 : 1,
        },
      ]),
    ),
    routes: [
      route('/api'),
      route('/scoped', { require: { scopes: ['never'] } }),
      route('/roles', { require: { roles: ['nobody'] } }),
      route('/where', { upstream: nameOf(whereOf(version)) }),
      ...gates[gateOf(version)],
      ...(tunnels ? [route(TUNNEL_PATH, { upgrade: ['websocket'] })] : []),
    ],
    // Soon full, so that it does not look like growth.
    cache: { entries: 1000 },
    limits: { requestBody: BODY_LIMIT },
    revocation: { secret: REVOCATION_SECRET, tokenLife: '25h' },
    state,
    shutdown: { grace: `${GRACE_SECONDS}s` },
  };
}

const partner = {
  issuer: PARTNER,
  audience: AUDIENCE,
  algorithms: ['HS256'],
  keys: { secret: PARTNER_SECRET },
};
