import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configFromObject } from '../../src/config/load.ts';
import type { ConfigObject } from '../../src/config/schema/schema.ts';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { jwk, keySet, ScriptedIssuer, status } from '../keysets/scripted-issuer.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { hs256, rs256, rsaKey, secondsFromNow, signToken } from '../support/tokens.ts';
import { request } from '../support/wire.ts';

const key = rsaKey();
const other = rsaKey();
const rotated = rsaKey();
const SECRET = 'a-bearer-secret-for-revocations-long-enough';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const state = join(folder, 'state');
let origin: Origin;
let issuer: ScriptedIssuer;
let config: Config;
let gateway: LocalGateway;
let port = 0;

function resolved(object: ConfigObject): Config {
  const result = configFromObject(object, folder, {});
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

function file(changes: Partial<ConfigObject> = {}, keysFrom = issuer): ConfigObject {
  const upstream = `http://127.0.0.1:${origin.port}`;
  return {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    verifiers: 0,
    state,
    revocation: { secret: SECRET },
    issuers: {
      main: {
        issuer: 'https://issuer.example/',
        audience: 'orders',
        algorithms: ['RS256'],
        keys: { pem: key.pem },
        require: ['sub'],
        maxAge: '1h',
      },
      remote: {
        issuer: 'https://remote.example',
        audience: 'orders',
        algorithms: ['RS256'],
        keys: { jwks: keysFrom.url() },
      },
      gone: {
        issuer: 'https://gone.example',
        audience: 'orders',
        algorithms: ['RS256'],
        keys: { jwks: keysFrom.url('/gone') },
      },
    },
    routes: [
      {
        match: { path: '/' },
        auth: ['main', 'remote', 'gone'],
        upstream,
        forward: { headers: { 'X-User': 'sub' } },
      },
      { match: { path: '/scoped' }, auth: 'main', upstream, require: { scopes: ['orders:read'] } },
      { match: { path: '/ops' }, auth: 'main', upstream, require: { roles: { any: ['ops'] } } },
      { match: { path: '/paid' }, auth: 'main', upstream, require: { claims: { 'tenant.plan': 'pro' } } },
      { match: { path: '/cookie' }, auth: 'main', upstream, token: ['cookie:session'] },
      { match: { path: '/query' }, auth: 'main', upstream, token: ['query:access_token'] },
      { match: { path: '/own' }, auth: 'main', upstream, token: ['header:X-Token Jwt'] },
      { match: { host: 'only.example', path: '/elsewhere' }, auth: 'none', upstream },
      { match: { path: '/public' }, auth: 'none', upstream },
    ],
    ...changes,
  };
}

before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  issuer = await ScriptedIssuer.start();
  issuer.keys = keySet(jwk(rotated, { kid: 'r1' }));
  issuer.responses.set('/gone', status(500));
  config = resolved(file());
  gateway = createGateway(config, { log: silentLog });
  await gateway.start();
  port = Number(gateway.addresses.listen[0]?.split(':')[1]);
});

after(async () => {
  await gateway.close({ graceMs: 0 });
  await issuer.close();
  await origin.close();
  rmSync(folder, { recursive: true });
});

const now = secondsFromNow(0);
const claims = (changes: object = {}): object => ({
  iss: 'https://issuer.example/',
  aud: 'orders',
  sub: 'user-1',
  iat: now - 10,
  exp: now + 600,
  ...changes,
});
const good = (changes: object = {}): string => rs256(key, claims(changes));
const remote = (kid: string, of = rotated): string =>
  rs256(of, claims({ iss: 'https://remote.example' }), { alg: 'RS256', kid });

interface Row {
  readonly token?: string | undefined;
  readonly path?: string;
  /** Name of the check that fails, `none` where the route demands no token; undefined for an accepted token. */
  readonly fails?: string;
  /** The reason. */
  readonly reason?: string;
  /** In the detail of the check that decides. */
  readonly says?: RegExp;
}

const rows: Readonly<Record<string, Row>> = {
  'a good token': { token: good() },
  'no token': { fails: 'token', reason: 'token_missing', says: /^none; .*Authorization: Bearer$/ },
  'two words': { token: 'a b', fails: 'token', reason: 'token_malformed' },
  'two segments': { token: 'a.b', fails: 'form', reason: 'token_malformed', says: /^2 segments/ },
  'a header that is no JSON': { token: 'e30x.e30.e30', fails: 'header', reason: 'token_malformed' },
  'a secret for a signature': {
    token: hs256('x'.repeat(40), claims()),
    fails: 'algorithm',
    reason: 'algorithm_not_allowed',
    says: /^alg "HS256"; accepted: RS256$/,
  },
  'claims of 600 members': {
    token: good(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`m${n}`, 0]))),
    fails: 'payload',
    reason: 'token_malformed',
    says: /^has more than 704 parts: names, values, objects and arrays$/,
  },
  'a header of 200 elements': {
    token: rs256(key, claims(), { alg: 'RS256', x: Array(200).fill(0) }),
    fails: 'header',
    reason: 'token_malformed',
    says: /^has more than 160 parts: names, values, objects and arrays$/,
  },
  'claims that say one thing twice': {
    token: rs256(key, '{"iss":"https://issuer.example/","iss":"https://issuer.example/"}'),
    fails: 'payload',
    reason: 'token_malformed',
    says: /^has a member twice$/,
  },
  'claims that are no object': { token: rs256(key, '[]'), fails: 'payload', reason: 'token_malformed' },
  'another issuer': {
    token: good({ iss: 'evil' }),
    fails: 'issuer',
    reason: 'issuer_mismatch',
    says: /"evil"/,
  },
  'an issuer without its slash': {
    token: good({ iss: 'https://issuer.example' }),
    fails: 'issuer',
    reason: 'issuer_mismatch',
    says: /slash at the end alone$/,
  },
  'too many audiences': {
    token: good({ aud: Array(65).fill('orders') }),
    fails: 'audience',
    reason: 'audience_mismatch',
    says: /, 65 names, of which at most 64 are read; /,
  },
  'another audience': {
    token: good({ aud: ['a', 'b'] }),
    fails: 'audience',
    reason: 'audience_mismatch',
    says: /^aud \["a","b"\]; accepted: any of "orders"$/,
  },
  crit: {
    token: rs256(key, claims(), { alg: 'RS256', crit: ['exp'] }),
    fails: 'extensions',
    reason: 'token_malformed',
    says: /^crit in the header$/,
  },
  'an unknown kid': { token: remote('r9'), fails: 'key', reason: 'key_unknown', says: /"r9"; .*: "r1"$/ },
  'an issuer without keys': {
    token: rs256(key, claims({ iss: 'https://gone.example' })),
    fails: 'key',
    reason: 'keys_unavailable',
    says: /status 500|500/,
  },
  'a fetched key': { token: remote('r1') },
  'another key': { token: rs256(other, claims()), fails: 'signature', reason: 'signature_invalid' },
  'an end that is past': { token: good({ exp: now - 5 }), fails: 'times', reason: 'token_expired' },
  'too great an age': { token: good({ iat: now - 7200 }), fails: 'times', reason: 'token_expired' },
  'a beginning to come': { token: good({ nbf: now + 100 }), fails: 'times', reason: 'token_not_yet_valid' },
  'a time in words': { token: good({ exp: 'later' }), fails: 'times', reason: 'token_malformed' },
  'no subject': {
    token: good({ sub: undefined }),
    fails: 'required claims',
    reason: 'claim_missing',
    says: /^sub of exp, iat, sub missing$/,
  },
  'a token bound to a key': {
    token: good({ cnf: { jkt: 'x' } }),
    fails: 'kind',
    reason: 'claim_mismatch',
    says: /cnf/,
  },
  'no scope': {
    token: good({ scope: 'orders:write' }),
    path: '/scoped',
    fails: 'scopes',
    reason: 'scope_insufficient',
    says: /"orders:write".*all of orders:read$/,
  },
  'the scope': { token: good({ scp: ['orders:read'] }), path: '/scoped' },
  'no role': {
    token: good({ roles: ['dev'] }),
    path: '/ops',
    fails: 'roles',
    reason: 'role_missing',
    says: /^roles \["dev"\]; wanted: any of ops$/,
  },
  'a claim of another value': {
    token: good({ tenant: { plan: 'free' } }),
    path: '/paid',
    fails: 'claims',
    reason: 'claim_mismatch',
  },
  'no such claim': { token: good(), path: '/paid', fails: 'claims', reason: 'claim_missing' },
  'a claim that fits no header': {
    token: good({ sub: 'x'.repeat(5000) }),
    fails: 'identity headers',
    reason: 'claim_mismatch',
    says: /^X-User$/,
  },
  'a token for a cookie': { token: good(), path: '/cookie' },
  'a bad token for a cookie': {
    token: 'a.b',
    path: '/cookie',
    fails: 'form',
    reason: 'token_malformed',
  },
  'a token for the query': { token: good(), path: '/query' },
  'a token for a header of its own': { token: good(), path: '/own/x' },
  'nothing on a public route': { path: '/public' },
  'a path of no route of this host': { path: '/../x', fails: 'none', reason: 'request_malformed' },
};

const ask = (row: Row, of = config, offline = false): Promise<Explanation> =>
  explain(
    of,
    { method: 'GET', host: 'localhost', path: row.path ?? '/', token: row.token },
    { offline, clock: systemClock },
  );

/** The reply to a client that sends the token where the route takes it. */
async function reply({ path = '/', token }: Row): Promise<{ status: number; code: string | undefined }> {
  const places: Readonly<Record<string, string>> = {
    '/cookie': `Cookie: session=${token}\r\n`,
    '/own/x': `X-Token: jwt ${token}\r\n`,
    '/query': '',
  };
  const line = token === undefined ? '' : (places[path] ?? `Authorization: Bearer ${token}\r\n`);
  const target = path === '/query' ? `/query?access_token=${token}` : path;
  const response = await request(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${line}\r\n`);
  return {
    status: response.status,
    code: response.status === 200 ? undefined : JSON.parse(response.body).code,
  };
}

describe('explain', () => {
  for (const [name, row] of Object.entries(rows)) {
    test(`${name}: ${row.fails ?? 'let in'}`, async () => {
      const explanation = await ask(row);
      const failing = explanation.checks.find(({ outcome }) => outcome === 'fail');
      assert.equal(failing?.name ?? (explanation.refusal === undefined ? undefined : 'none'), row.fails);
      assert.equal(explanation.refusal?.reason, row.reason);
      if (row.says !== undefined) assert.match(failing?.detail ?? '', row.says);
      const at = explanation.checks.findIndex(({ outcome }) => outcome === 'fail');
      if (at >= 0) {
        assert.ok(explanation.checks.slice(0, at).every(({ outcome }) => outcome === 'pass'));
        assert.ok(explanation.checks.slice(at + 1).every(({ outcome }) => outcome === 'not reached'));
      }
      // The gateway's verdict is the same.
      const { reply: expected } = explanation.refusal ?? {};
      assert.deepEqual(await reply(row), { status: expected?.head.status ?? 200, code: row.reason });
    });
  }

  test('reports that revocations are not read where no folder keeps them', async () => {
    const { state: _, ...stateless } = file();
    const { checks } = await ask({ token: good() }, resolved(stateless));
    assert.match(checks.find(({ name }) => name === 'revocation')?.detail ?? '', /^not looked for/);
  });

  test('names the issuer that judges a token', async () => {
    assert.equal((await ask({ token: good() })).issuer, 'main');
    assert.equal((await ask({ token: remote('r1') })).issuer, 'remote');
    assert.equal((await ask({ token: good({ iss: 'x' }) })).issuer, undefined);
  });

  test('a revoked token, with the gateway that revoked it still running', async () => {
    const token = good({ jti: 'gone' });
    assert.equal((await ask({ token })).refusal, undefined);
    const body = JSON.stringify({ issuer: 'main', jti: 'gone' });
    const head = `POST /revocations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SECRET}\r\nContent-Type: application/json\r\n`;
    const admin = Number(gateway.addresses.admin.split(':')[1]);
    const response = await request(admin, `${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    assert.equal(response.status, 200, response.body);
    const { checks, refusal } = await ask({ token });
    assert.equal(refusal?.reason, 'token_revoked');
    assert.match(checks.find(({ outcome }) => outcome === 'fail')?.detail ?? '', /jti "gone"/);
    assert.equal((await reply({ token })).code, 'token_revoked');
  });

  test('reports what it cannot read, instead of accepting a token that may be revoked', async () => {
    const shut = join(folder, 'shut');
    // Root may read everything, but no folder as a file.
    mkdirSync(join(shut, 'revocations.log'), { recursive: true });
    const question = { method: 'GET', host: 'localhost', path: '/', token: 'x' };
    await assert.rejects(
      explain(resolved(file({ state: shut })), question, { offline: true, clock: systemClock }),
      {
        name: 'StartError',
        message: /^state: \S+revocations\.log is no plain file, /,
      },
    );
  });

  test('changes nothing in the state folder', async () => {
    const contents = (): object =>
      Object.fromEntries(readdirSync(state).map((name) => [name, readFileSync(join(state, name), 'utf8')]));
    await eventually(
      () => readdirSync(state),
      (names) => names.some((name) => name.startsWith('keyset-')),
    );
    const before = contents();
    await ask({ token: remote('r1') });
    assert.deepEqual(contents(), before);
  });

  test('offline sends no request, and takes the keys that a gateway has kept', async (t) => {
    // The issuer here is its own, and the gateway has ended: a running one would fetch again on its schedule.
    const quiet = await ScriptedIssuer.start();
    t.after(() => quiet.close());
    quiet.keys = keySet(jwk(rotated, { kid: 'r1' }));
    const kept = join(folder, 'kept');
    const own = (state: string): Config => resolved(file({ state }, quiet));
    const once = createGateway(own(kept), { log: silentLog });
    await once.start();
    try {
      await eventually(
        () => readdirSync(kept),
        (names) => names.some((name) => name.startsWith('keyset-')),
      );
    } finally {
      await once.close({ graceMs: 0 });
    }
    const asked = quiet.asked.length;
    const { refusal, checks } = await ask({ token: remote('r1') }, own(kept), true);
    assert.equal(refusal, undefined);
    assert.match(checks.find(({ name }) => name === 'key')?.detail ?? '', /state folder/);
    assert.equal((await ask({ token: remote('r9') }, own(kept), true)).refusal?.reason, 'key_unknown');
    const bare = own(join(folder, 'nothing'));
    assert.equal((await ask({ token: remote('r1') }, bare, true)).refusal?.reason, 'keys_unavailable');
    assert.equal(quiet.asked.length, asked);
  });

  test('in HAProxy’s style shows that reply, and the same checks', async () => {
    const styled = resolved(file({ rejection: 'haproxy' }));
    // That style reports a malformed token only where no earlier check fails.
    const { checks, refusal } = await ask({ token: `${good({ iss: 'evil' })}.x` }, styled);
    assert.equal(checks.find(({ outcome }) => outcome === 'fail')?.name, 'form');
    assert.equal(String(refusal?.reply.body), 'Invalid JWT issuer');
    assert.equal(refusal?.reply.head.status, 403);
  });

  test('a token of another algorithm of the issuer', async () => {
    const token = signToken('PS256', key, claims());
    assert.equal((await ask({ token })).refusal?.reason, 'algorithm_not_allowed');
  });
});
