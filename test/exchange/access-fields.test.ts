import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import type { AccessLogConfig } from '../../src/config/records-config.ts';
import { accessFields } from '../../src/config/schema/log.ts';
import { createLog, type LogFormat } from '../../src/lib/log.ts';
import { startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let folder: string;
let origin: Origin;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
});
after(async () => {
  rmSync(folder, { recursive: true });
  await origin.close();
});

let files = 0;

interface Asked {
  /** Claims of the token; undefined: the request has none. */
  readonly claims?: Record<string, unknown>;
  readonly routes?: readonly Partial<RouteConfig>[];
  readonly format?: LogFormat;
  /** How often the request is sent. */
  readonly times?: number;
  readonly path?: string;
}

/** The lines of the access log for a request, from a file if `inFile`. */
async function linesOf(accessLog: AccessLogConfig, inFile: boolean, asked: Asked = {}): Promise<string[]> {
  const { claims, routes = [{}], format, times = 1, path = '/a?token=secret' } = asked;
  files += 1;
  const file = join(folder, `${files}.log`);
  const lines: string[] = [];
  const gateway = await startGateway({
    upstreamPort: origin.port,
    routes,
    log: createLog({ level: 'info', format, destination: { write: (line) => void lines.push(line) } }),
    config: {
      log: { level: 'info', format, access: 1, accessLog: inFile ? { ...accessLog, file } : accessLog },
    },
  });
  try {
    const token = claims === undefined ? '' : `Authorization: ${gateway.bearer(claims)}\r\n`;
    for (let count = 0; count < times; count += 1)
      await request(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${token}\r\n`);
  } finally {
    await gateway.close();
  }
  if (!inFile) return lines.filter((line) => line.includes('request'));
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

const claimsIn = (line: string | undefined): unknown => JSON.parse(line ?? '{}').claims;

describe('the fields of a line', () => {
  test('are those of the list in its order, in a file', async () => {
    const [line = ''] = await linesOf({ fields: ['status', 'time', 'path', 'server'] }, true, { claims: {} });
    assert.match(line, /^\{"status":200,"time":"\d{4}-[^"]+Z","path":"\/a","server":"127\.0\.0\.1:\d+"\}$/);
  });

  test('are those of the list between level, time and message, in the log', async () => {
    const [line = ''] = await linesOf({ fields: ['status', 'path'] }, false);
    assert.match(line, /^\{"level":"info","time":"[^"]+","status":401,"path":"\/a","message":"request"\}\n$/);
  });

  test('are all of them in a file without a list, and the schema knows them', async () => {
    const [line = ''] = await linesOf({}, true, { claims: {} });
    const names = Object.keys(JSON.parse(line));
    const known: readonly string[] = accessFields;
    assert.deepEqual(
      names,
      known.filter((name) => names.includes(name)),
    );
    assert.ok(names.includes('time') && names.includes('durationMs') && names.includes('traceId'));
  });

  test('are words of text where that is asked for', async () => {
    const [line] = await linesOf({ fields: ['status', 'path', 'outcome'] }, true, { format: 'text' });
    assert.equal(line, 'status=401 path=/a outcome=token_missing');
    const [other] = await linesOf({ fields: ['status'], format: 'json' }, true, { format: 'text' });
    assert.equal(other, '{"status":401}');
  });
});

describe('claims of a line', () => {
  const claims = { sub: 'user-17', tenant: { id: 7 }, admin: false, roles: ['a', 'b'], secret: 'hidden' };

  test('are those that are named, and no others', async () => {
    const names = ['sub', 'tenant.id', ['tenant', 'name'], 'admin', 'roles', 'absent'];
    for (const inFile of [true, false]) {
      const [line = ''] = await linesOf({ claims: names }, inFile, { claims });
      assert.deepEqual(claimsIn(line), {
        sub: 'user-17',
        'tenant.id': 7,
        admin: false,
        roles: '["a","b"]',
      });
      assert.doesNotMatch(line, /hidden|eyJ/);
    }
  });

  test('come last, behind chosen fields', async () => {
    const [line] = await linesOf({ fields: ['status'], claims: ['sub'] }, true, { claims });
    assert.equal(line, '{"status":200,"claims":{"sub":"user-17"}}');
  });

  test('are those of each token, also when its verdict is remembered', async () => {
    const lines = await linesOf({ claims: ['sub'] }, true, { claims, times: 3 });
    assert.deepEqual(lines.map(claimsIn), Array(3).fill({ sub: 'user-17' }));
  });

  test('are absent without a permit, on public routes, and where the token has none of them', async () => {
    const demanding = {
      require: { scopes: { match: 'all', values: ['x'] }, roles: undefined, claims: [] },
    } as const;
    for (const asked of [
      { path: '/a' },
      { claims, routes: [demanding] },
      { claims, routes: [{ auth: 'none' }] as const },
    ]) {
      const [line = ''] = await linesOf({ claims: ['sub'] }, true, asked);
      assert.match(line, /"path":"\/a"/);
      assert.equal(claimsIn(line), undefined);
    }
    const [line] = await linesOf({ claims: ['absent'] }, true, { claims });
    assert.equal(claimsIn(line), undefined);
  });

  test('are bounded together, visible, and never a token', async () => {
    const odd = { a: 'x'.repeat(500), b: `\u001b[2J\u00e9${'y'.repeat(50)}`, c: 'z', d: { e: 'f' } };
    const [line] = await linesOf({ claims: ['a', 'b', 'c', 'd'] }, true, { claims: odd });
    assert.deepEqual(claimsIn(line), {
      a: 'x'.repeat(500),
      b: '\ufffd[2J\ufffdyyyyyyy\u2026',
      c: '\u2026',
      d: '\u2026',
    });
    const [other] = await linesOf({ claims: ['t'] }, true, {
      claims: { t: 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA' },
    });
    assert.deepEqual(claimsIn(other), { t: '[token]' });
  });
});
