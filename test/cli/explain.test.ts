import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { type Ended, run } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const key = rsaKey();
writeFileSync(join(folder, 'key.pem'), key.pem);
const file = join(folder, 'portcullis.yaml');
writeFileSync(
  file,
  `listen: 127.0.0.1:0
issuers: { app: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: key.pem } } }
routes:
  - { match: { path: / }, auth: app, upstream: "http://127.0.0.1:9" }
  - { match: { path: /admin, host: a.example, methods: [POST] }, auth: app, upstream: "http://127.0.0.1:9", require: { scopes: [admin] } }
  - { match: { path: /live }, auth: app, upstream: "http://127.0.0.1:9", upgrade: [websocket, foo], origins: ["https://a.example"] }
`,
);
const token = rs256(key, { iss: 'x', aud: 'y', exp: secondsFromNow(600) });
const explain = (...args: string[]): Promise<Ended> => run(['explain', '--config', file, ...args]);

test('an accepted token: every check, and 0', async () => {
  const { code, stdout, stderr } = await explain(token);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.split('\n');
  assert.equal(lines[0], 'request   GET /, host localhost');
  assert.equal(lines[1], 'route     /, tokens of app, upstream 127.0.0.1:9');
  assert.equal(lines[2], 'issuer    app');
  assert.equal(lines.at(-2), 'answer    that of upstream: the request would be let in');
  const checks = lines.slice(3, -2);
  assert.equal(checks.length, 18);
  for (const line of checks) assert.match(line, /^ {2}pass {2}[a-z ]{18}\S/);
});

test('a refused token: the check, the reply, and 1', async () => {
  const { code, stdout, stderr } = await explain(
    '--path=/admin/x?y',
    '--method=POST',
    '--host=a.example',
    token,
  );
  assert.deepEqual([code, stderr], [1, '']);
  assert.match(stdout, /^request {3}POST \/admin\/x, host a\.example\nroute {5}POST a\.example\/admin, /);
  assert.match(stdout, /\n {2}pass {2}signature .*\n/);
  assert.match(stdout, /\n {2}FAIL {2}scopes {12}.*wanted: all of admin\n {2}- {5}roles\n/);
  assert.match(stdout, /\nanswer {4}403 scope_insufficient\n/);
  assert.match(stdout, /\n {10}WWW-Authenticate: Bearer .*scope="admin"/);
  assert.match(stdout, /"code":"scope_insufficient"\}\n$/);
});

test('a request without a token, and one that no route takes', async () => {
  const missing = await explain();
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /\nanswer {4}401 token_missing\n/);
  const ambiguous = await explain('--path=/x/../admin', '--method=POST', '--host=a.example');
  assert.equal(ambiguous.code, 1);
  assert.match(
    ambiguous.stdout,
    /\nroute {5}none: another reading .*\nrule {6}dot_segment\nanswer {4}400 request_malformed\n/,
  );
});

test('an upgrade: what judges it, and how the tunnel would end', async () => {
  const live = ['--path=/live', '--upgrade=WebSocket', token];
  const { code, stdout } = await explain('--origin=https://a.example', ...live);
  assert.equal(code, 0);
  assert.match(stdout, /^request {3}GET \/live, host localhost, upgrade websocket\n/);
  assert.match(
    stdout,
    /\n {2}pass {2}upgrade {11}"websocket" by "GET"; the route upgrades to websocket, foo\n/,
  );
  assert.match(
    stdout,
    /\nanswer {4}that of upstream: a valid 101 would open a tunnel\nend {7}\S+Z: Close 1008 token_expired\n$/,
  );
  const foo = await explain('--path=/live', '--upgrade=foo', token);
  assert.match(foo.stdout, /\nend {7}\S+Z: both connections are cut, token_expired\n$/);
  const refused = await explain('--origin=https://b.example', ...live);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stdout,
    /\n {2}FAIL {2}origin {12}"https:\/\/b\.example"; allowed: https:\/\/a\.example\n/,
  );
  assert.match(refused.stdout, /\nanswer {4}403 origin_not_allowed\n/);
});

test('an upgrade that is asked for in a wrong way ends with 64', async () => {
  for (const wrong of [
    ['--origin=https://a.example'],
    ['--upgrade=web socket'],
    ['--upgrade=x', '--origin=a b'],
  ]) {
    const { code, stderr } = await explain(...wrong, token);
    assert.equal(code, 64, stderr);
  }
});

test('a token on standard input, after the name of the header and the scheme', async () => {
  for (const text of [token, `${token}\n`, `Bearer ${token}`, `Authorization: bearer  ${token}\r\n`]) {
    const { code, stdout } = await run(['explain', '--config', file, '-'], { input: text });
    assert.equal(code, 0, stdout);
  }
});

test('never prints the token or its signature', async () => {
  const { stdout } = await explain(token);
  for (const part of token.split('.')) assert.ok(!stdout.includes(part));
});

test('a bad file is reported as by check, and ends with 78', async () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'listen: 1\n');
  const { code, stdout, stderr } = await run(['explain', '--config', bad, token]);
  assert.deepEqual([code, stdout], [78, '']);
  assert.match(stderr, /bad\.yaml:1:9: listen: is a number/);
});
