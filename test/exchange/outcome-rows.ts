import { createPublicKey, randomBytes } from 'node:crypto';
import type { RouteRules } from '../../src/config/config.ts';
import type { UpstreamConfig } from '../../src/config/upstream-config.ts';
import type { Outcome } from '../../src/exchange/tally.ts';
import type { VerificationKey } from '../../src/keys/key.ts';
import {
  eventually,
  retryDefaults,
  serverAt,
  serverOf,
  type TestGateway,
  type TestOptions,
} from '../support/gateway.ts';
import type { Origin, OriginConnection } from '../support/origin.ts';
import { revocation, revoke } from '../support/revocation.ts';
import { hs256, rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request, type Wire, type WireResponse } from '../support/wire.ts';

/** The parts of which a row makes its requests. */
export interface Play {
  readonly gateway: TestGateway;
  readonly origin: Origin;
  /** A connection that is closed after the row. */
  open(): Promise<Wire>;
}

/** One way for an exchange to end. */
export interface OutcomeRow {
  readonly outcome: Outcome;
  readonly when: string;
  /** Status of the response; null when the client gets none. */
  readonly status: number | null;
  /** The path in the log, where it is not `/orders`. */
  readonly path?: string;
  /** The status in the log, where the connection is cut in the middle of a response. */
  readonly logged?: number;
  readonly options?: () => Partial<TestOptions>;
  /** No process listens where upstream should be. */
  readonly upstreamGone?: boolean;
  /** Other requests of the row, by the way they end. */
  readonly beside?: Readonly<Record<string, number>>;
  /** The response; undefined when the client gets none, or not a whole one. */
  drive(play: Play): Promise<WireResponse | undefined>;
}

/** Stands in the query, in a cookie and in other headers of every request, and nowhere else. */
export const SECRET = 'do-not-log-me';

const head = (line: string, ...fields: string[]): string =>
  `${[line, 'Host: a.example', `Cookie: session=${SECRET}`, `X-Api-Key: ${SECRET}`, ...fields].join('\r\n')}\r\n\r\n`;
const get = (...fields: string[]): string => head(`GET /orders?access_token=${SECRET} HTTP/1.1`, ...fields);
const post = (...fields: string[]): string => head(`POST /orders?access_token=${SECRET} HTTP/1.1`, ...fields);
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const issuerClaims = (): object => ({
  iss: 'https://issuer.example',
  aud: 'orders',
  exp: secondsFromNow(300),
});
const publicKey = (pem: string, kid?: string): VerificationKey => ({
  id: kid ?? 'test-key',
  kid,
  algorithms: ['RS256'],
  material: { kind: 'public', pem },
});

const open = { routes: [{ auth: 'none' as const }] };

/** All metrics as text. */
export async function scrape(adminPort: number): Promise<string> {
  const bytes = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  return (await request(adminPort, bytes)).body;
}

/** Sends `bytes` on a connection of its own. */
export async function ask(play: Play, bytes: string): Promise<WireResponse> {
  const wire = await play.open();
  wire.send(bytes);
  return wire.response();
}

/** Sends `bytes` and waits until upstream has the request's head. */
async function asked(play: Play, bytes: string): Promise<[Wire, OriginConnection]> {
  const wire = await play.open();
  const connection = play.origin.connection();
  wire.send(bytes);
  const upstream = await connection;
  await upstream.head();
  return [wire, upstream];
}

/** The client leaves; `seen` tells from the count of the reason whether the gateway has noticed. */
async function leave(play: Play, wire: Wire): Promise<undefined> {
  wire.reset();
  await eventually(
    () => play.gateway.outcomes(),
    (seen) => seen['client_aborted'] === 1,
  );
  return undefined;
}

/** Refused for its token, by a reply that leaves the connection open. */
const token = (
  outcome: Outcome,
  when: string,
  authorization: (gateway: TestGateway) => string,
  options?: OutcomeRow['options'],
): OutcomeRow => ({
  outcome,
  when,
  status: 401,
  ...(options === undefined ? {} : { options }),
  drive: (play) => ask(play, get(`Authorization: ${authorization(play.gateway)}`)),
});

const claims = (outcome: Outcome, when: string, wrong: object, options?: OutcomeRow['options']): OutcomeRow =>
  token(outcome, when, (gateway) => gateway.bearer({ ...wrong }), options);

/** The route demands something that the token lacks. */
const demand = (outcome: Outcome, rules: Partial<RouteRules>): OutcomeRow => ({
  ...token(
    outcome,
    'its route demands more',
    (gateway) => gateway.bearer(),
    () => ({ routes: [{ require: { scopes: undefined, roles: undefined, claims: [], ...rules } }] }),
  ),
  status: 403,
});

/** A key whose check takes some milliseconds and fails: numbers of its form, both as long as possible. */
function slowKey(): VerificationKey {
  const number = (first: number): string => {
    const bytes = randomBytes(384);
    bytes[0] = first;
    bytes[383] = (bytes[383] as number) | 1;
    return bytes.toString('base64url');
  };
  const jwk = { kty: 'RSA', n: number(0xff), e: number(0x7f) };
  return publicKey(
    createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString(),
  );
}

/** A key that cannot be handed to a thread, so that its tokens are never judged. */
function unsendableKey(): VerificationKey {
  return Object.assign(publicKey(rsaKey().pem), { unsendable: () => {} });
}

/** An upstream whose pool throws when it is asked for a connection: a fault of the gateway's own. */
function brokenUpstreams(): ReadonlyMap<string, UpstreamConfig> {
  const limits = {
    connections: 0,
    get waiting(): number {
      throw new Error('broken on purpose');
    },
  };
  const timeouts = { connectMs: 5_000, responseMs: 5_000, idleMs: 5_000, keepAliveMs: 5_000 };
  const servers = [serverAt(9)];
  return new Map([
    ['app', { name: 'app', servers, timeouts, limits, pipelining: 1, reuse: true, retries: retryDefaults }],
  ]);
}

const limitedTo = (requestBody: number): Partial<TestOptions> => ({
  ...open,
  config: { limits: { requestBody } },
});

export const rows: readonly OutcomeRow[] = [
  {
    outcome: 'forwarded',
    when: 'upstream answers',
    status: 200,
    async drive(play) {
      const [wire, upstream] = await asked(play, get(`Authorization: ${play.gateway.bearer()}`));
      upstream.write(ok);
      return wire.response();
    },
  },
  {
    outcome: 'forwarded',
    when: 'upstream answers that it failed',
    status: 503,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n');
      return wire.response();
    },
  },
  {
    outcome: 'token_missing',
    when: 'there is none',
    status: 401,
    drive: (play) => ask(play, get()),
  },
  token('token_malformed', 'it has two segments', () => 'Bearer a.b'),
  token('algorithm_not_allowed', 'it is signed with a secret', () => `Bearer ${hs256('x', issuerClaims())}`),
  claims('issuer_mismatch', 'another signed it', { iss: 'https://evil.example' }),
  claims('audience_mismatch', 'it is for another', { aud: 'others' }),
  token(
    'key_unknown',
    'its kid is that of no key',
    () => `Bearer ${rs256(rsaKey(), issuerClaims(), { alg: 'RS256', kid: 'two' })}`,
    () => ({ issuer: { keys: [publicKey(rsaKey().pem, 'one')] } }),
  ),
  token('signature_invalid', 'another key signed it', () => `Bearer ${rs256(rsaKey(), issuerClaims())}`),
  claims('token_expired', 'its time is over', { exp: secondsFromNow(-5) }),
  claims('token_not_yet_valid', 'its time is to come', { nbf: secondsFromNow(100) }),
  claims('claim_missing', 'it lacks one', {}, () => ({ issuer: { require: ['tenant'] } })),
  claims('claim_mismatch', 'a claim does not fit into a header', { sub: 'x'.repeat(5000) }, () => ({
    routes: [
      { forward: { headers: new Map([['X-User-Id', 'sub']]), token: 'keep', forwarded: new Set(['for']) } },
    ],
  })),
  {
    outcome: 'token_revoked',
    when: 'its user was revoked',
    status: 401,
    options: () => ({ config: { revocation } }),
    async drive(play) {
      const authorization = play.gateway.bearer({ sub: 'mallory' });
      const reply = await revoke(play.gateway.adminPort, { sub: 'mallory' });
      if (reply.status !== 200) throw new Error(reply.body);
      return ask(play, get(`Authorization: ${authorization}`));
    },
  },
  demand('scope_insufficient', { scopes: { match: 'all', values: ['orders:read'] } }),
  demand('role_missing', { roles: { match: 'any', values: ['admin'] } }),
  {
    outcome: 'authorization_ambiguous',
    when: 'there are two Authorization headers',
    status: 400,
    drive: (play) =>
      ask(play, get(`Authorization: ${play.gateway.bearer()}`, `Authorization: Bearer ${SECRET}`)),
  },
  {
    outcome: 'keys_unavailable',
    when: 'the issuer has no key yet',
    status: 503,
    options: () => ({ issuer: { keys: [] } }),
    drive: (play) => ask(play, get(`Authorization: ${play.gateway.bearer()}`)),
  },
  {
    outcome: 'verifier_overloaded',
    when: 'no thread gives an answer',
    status: 503,
    options: () => ({ issuer: { keys: [unsendableKey()] } }),
    drive: (play) => ask(play, get(`Authorization: ${play.gateway.bearer()}`)),
  },
  {
    outcome: 'route_not_found',
    when: 'no route has the path',
    status: 404,
    options: () => ({
      routes: [{ name: '/a', match: { host: undefined, path: '/a', methods: undefined } }],
    }),
    drive: (play) => ask(play, get()),
  },
  {
    outcome: 'route_denied',
    when: 'its route denies every request',
    status: 403,
    options: () => ({ routes: [{ auth: [] }] }),
    drive: (play) => ask(play, get()),
  },
  {
    outcome: 'connection_auth_refused',
    when: 'its credentials are those of a connection',
    status: 403,
    options: () => ({ routes: [{ auth: 'none' }] }),
    drive: (play) => ask(play, get('Authorization: NTLM TlRMTVNTUAABAAAA')),
  },
  {
    outcome: 'request_malformed',
    when: 'its length is empty',
    status: 400,
    drive: (play) => ask(play, get('Content-Length:')),
  },
  {
    outcome: 'request_head_too_large',
    when: 'a cookie has grown',
    status: 431,
    path: '/orders',
    drive: (play) => ask(play, get(`Cookie: ${'c'.repeat(16 * 1024)}`)),
  },
  {
    outcome: 'request_malformed',
    when: 'its client has ended its half when the answer, which waits for the end of the turn, is sent',
    status: 400,
    async drive(play) {
      const wire = await play.open();
      wire.send(get('Content-Length:'));
      wire.end();
      return wire.response();
    },
  },
  {
    outcome: 'length_required',
    when: 'a body is chunked and must not be',
    status: 411,
    options: () => ({ ...open, config: { chunkedRequests: 'reject' } }),
    drive: (play) => ask(play, post('Transfer-Encoding: chunked')),
  },
  {
    outcome: 'loop_detected',
    when: 'it has passed this gateway before',
    status: 508,
    options: () => ({ ...open, config: { loopMark: 'own-mark' } }),
    drive: (play) => ask(play, get('X-Portcullis-Via: own-mark')),
  },
  {
    outcome: 'request_body_too_large',
    when: 'the announced length is',
    status: 413,
    options: () => limitedTo(4),
    drive: (play) => ask(play, post('Content-Length: 5')),
  },
  {
    outcome: 'request_body_too_large',
    when: 'the body turns out to be, on its way',
    status: 413,
    options: () => limitedTo(4),
    async drive(play) {
      const [wire] = await asked(play, post('Transfer-Encoding: chunked'));
      wire.send('5\r\nhello\r\n');
      return wire.response();
    },
  },
  {
    outcome: 'request_timeout',
    when: 'the time is over and the body is not there',
    status: 408,
    options: () => ({ ...open, config: { timeouts: { requestMs: 200 } } }),
    drive: (play) => ask(play, post('Content-Length: 5')),
  },
  {
    outcome: 'upstream_timeout',
    when: 'the time is over and the answer is not there',
    status: 504,
    options: () => ({ ...open, config: { timeouts: { requestMs: 200 } } }),
    drive: (play) => ask(play, get()),
  },
  {
    outcome: 'upstream_unreachable',
    when: 'no process listens',
    status: 502,
    options: () => open,
    upstreamGone: true,
    drive: (play) => ask(play, get()),
  },
  {
    outcome: 'upstream_reset',
    when: 'upstream ends before its answer',
    status: 502,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.socket.resetAndDestroy();
      return wire.response();
    },
  },
  {
    outcome: 'upstream_reset',
    when: 'upstream ends once more when it is asked anew',
    status: 502,
    options: () => open,
    beside: { forwarded: 1 },
    async drive(play) {
      const [wire, first] = await asked(play, get());
      first.write(ok);
      await wire.response();
      wire.send(get());
      await first.head();
      first.socket.resetAndDestroy();
      const second = await play.origin.connection();
      await second.head();
      second.socket.resetAndDestroy();
      return wire.response();
    },
  },
  {
    outcome: 'upstream_reset',
    when: 'upstream ends in the middle of its answer',
    status: null,
    logged: 200,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      await eventually(
        () => wire.pending,
        (text) => text.endsWith('hello'),
      );
      upstream.socket.resetAndDestroy();
      await wire.untilClosed();
      return undefined;
    },
  },
  {
    outcome: 'upstream_invalid_response',
    when: 'upstream does not speak HTTP',
    status: 502,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('SSH-2.0-x\r\n');
      return wire.response();
    },
  },
  {
    outcome: 'upstream_invalid_response',
    when: 'the first chunk of its body is no chunk',
    status: 502,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      upstream.write('hello');
      return wire.response();
    },
  },
  {
    outcome: 'upstream_timeout',
    when: 'upstream is silent',
    status: 504,
    options: () => ({ ...open, timeouts: { responseMs: 100 } }),
    async drive(play) {
      const [wire] = await asked(play, get());
      return wire.response();
    },
  },
  {
    outcome: 'rate_limited',
    when: 'it comes sooner than its limit allows',
    status: 429,
    options: () => ({
      routes: [{ auth: 'none', rateLimit: ['all'] }],
      config: {
        rateLimits: new Map([
          [
            'all',
            { name: 'all', amount: 1, periodMs: 3_600_000, burst: 1, by: { kind: 'route' }, keys: 1000 },
          ],
        ]),
      },
    }),
    beside: { forwarded: 1 },
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write(ok);
      await wire.response();
      return ask(play, get());
    },
  },
  {
    outcome: 'upstream_overloaded',
    when: 'every connection is taken and no request may wait',
    status: 503,
    options: () => ({ ...open, limits: { connections: 1, waiting: 0 } }),
    beside: { forwarded: 1 },
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      const refused = await ask(play, get());
      upstream.write(ok);
      await wire.response();
      return refused;
    },
  },
  {
    outcome: 'draining',
    when: 'the gateway stops and upstream has not answered',
    status: 503,
    options: () => open,
    async drive(play) {
      const [wire] = await asked(play, get());
      const closed = play.gateway.gateway.close({ graceMs: 1 });
      const response = await wire.response();
      await closed;
      return response;
    },
  },
  {
    outcome: 'draining',
    when: 'the gateway stops in the middle of an answer',
    status: null,
    logged: 200,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      await eventually(
        () => wire.pending,
        (text) => text.endsWith('hello'),
      );
      await play.gateway.gateway.close({ graceMs: 0 });
      await wire.untilClosed();
      return undefined;
    },
  },
  {
    outcome: 'internal_error',
    when: 'a fault of ours strikes in the turn of the request',
    status: 500,
    options: () => ({ ...open, config: { upstreams: brokenUpstreams() } }),
    drive: (play) => ask(play, get()),
  },
  {
    outcome: 'internal_error',
    when: 'a fault of ours strikes behind the verification',
    status: 500,
    options: () => ({ config: { upstreams: brokenUpstreams() } }),
    drive: (play) => ask(play, get(`Authorization: ${play.gateway.bearer()}`)),
  },
  {
    outcome: 'client_aborted',
    when: 'its token is being verified',
    status: null,
    // Some hundred milliseconds of work on a fast machine, before the turn of the one that leaves.
    options: () => ({ issuer: { keys: Array.from({ length: 8 }, slowKey) } }),
    beside: { signature_invalid: 96 },
    async drive(play) {
      const others = await Promise.all(Array.from({ length: 96 }, () => play.open()));
      const wire = await play.open();
      for (const [at, one] of [...others, wire].entries()) {
        one.send(get(`Authorization: ${play.gateway.bearer({ jti: at })}`));
      }
      await eventually(
        () => serverOf(play.gateway).authCounters.cacheMisses.value,
        (misses) => misses === 97,
      );
      await leave(play, wire);
      await Promise.all(others.map((other) => other.response()));
      return undefined;
    },
  },
  {
    outcome: 'preflight_answered',
    when: 'the route has the answer',
    status: 204,
    options: () => ({
      routes: [
        {
          preflight: {
            kind: 'answer',
            origins: '*',
            methods: ['PUT'],
            headers: [],
            maxAgeMs: undefined,
            credentials: false,
          },
        },
      ],
    }),
    drive: (play) =>
      // Unlike the others it has no cookie: with one it would be no preflight.
      ask(
        play,
        `OPTIONS /orders?access_token=${SECRET} HTTP/1.1\r\nHost: a.example\r\nX-Api-Key: ${SECRET}\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n`,
      ),
  },
  {
    outcome: 'client_aborted',
    when: 'it waits for a connection',
    status: null,
    options: () => ({ ...open, limits: { connections: 1, waiting: 1 } }),
    beside: { forwarded: 1 },
    async drive(play) {
      const [first, upstream] = await asked(play, get());
      const wire = await play.open();
      wire.send(get());
      await eventually(
        () => play.gateway.connections(),
        (seen) => seen['waiting'] === 1,
      );
      await leave(play, wire);
      upstream.write(ok);
      await first.response();
      return undefined;
    },
  },
  {
    outcome: 'client_aborted',
    when: 'its body is on its way',
    status: null,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, post('Content-Length: 50'));
      wire.send('hello');
      await upstream.take((text) => text.endsWith('hello'));
      return leave(play, wire);
    },
  },
  {
    outcome: 'client_aborted',
    when: 'upstream has not answered',
    status: null,
    options: () => open,
    async drive(play) {
      const [wire] = await asked(play, get());
      return leave(play, wire);
    },
  },
  {
    outcome: 'client_aborted',
    when: 'it has a part of the answer',
    status: null,
    logged: 200,
    options: () => open,
    async drive(play) {
      const [wire, upstream] = await asked(play, get());
      upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      await eventually(
        () => wire.pending,
        (text) => text.includes('hello'),
      );
      return leave(play, wire);
    },
  },
];
