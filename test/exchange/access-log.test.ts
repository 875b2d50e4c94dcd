import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AccessEnd, AccessLog } from '../../src/exchange/access-log.ts';
import { Counter } from '../../src/lib/counters.ts';
import { createLog, type Log } from '../../src/lib/log.ts';
import { silentLog } from '../support/gateway.ts';

const end: AccessEnd = {
  method: 'GET',
  host: 'a.example',
  path: '/orders',
  route: '/',
  outcome: 'forwarded',
  status: 200,
  durationMs: 1.23456,
  requestBytes: 3,
  upstream: 'app',
};

const plain = { protocol: 'http/1.1', tls: undefined } as const;
const marks = {
  requestId: 'an-id',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
};

function harness(mode: 'errors' | number, random?: () => number) {
  const texts: string[] = [];
  const dropped = new Counter();
  const log = createLog({ level: 'info', destination: { write: (text) => texts.push(text) } });
  const access = new AccessLog(mode, log, dropped, random);
  const write = (
    changes: Partial<AccessEnd> = {},
    client: Parameters<AccessLog['begin']>[0] = plain,
  ): void => {
    const record = access.begin(client, marks, () => '192.0.2.1');
    if (record !== undefined) access.write(record, { ...end, ...changes });
  };
  return { texts, dropped, access, write, lines: () => texts.map((text) => JSON.parse(text)) };
}

describe('a line', () => {
  test('holds these fields and no others', () => {
    const { write, lines } = harness(1);
    write();
    const [{ time, ...line }] = lines();
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(line, {
      level: 'info',
      client: '192.0.2.1',
      protocol: 'http/1.1',
      ...end,
      durationMs: 1.235,
      answerBytes: 0,
      server: null,
      requestId: 'an-id',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      message: 'request',
    });
  });

  test('has the version of TLS and the host named in it, for connections with TLS', () => {
    const { write, lines } = harness(1);
    write({}, { protocol: 'h2', tls: { version: 'TLSv1.3', serverName: 'a.example' } });
    write({}, { protocol: 'http/1.0', tls: { version: 'TLSv1.2', serverName: undefined } });
    assert.deepEqual(
      lines().map(({ protocol, tls, sni }) => [protocol, tls, sni]),
      [
        ['h2', 'TLSv1.3', 'a.example'],
        ['http/1.0', 'TLSv1.2', null],
      ],
    );
  });

  test('is one line of plain text and at most 4 KiB, whatever a client sends', () => {
    const { write, texts, lines } = harness(1);
    const nasty = '"\\\r\n\0\u001b[2J\u007f\u0085\u009b\u2028\ud800é';
    const ended = {
      method: `${nasty}M`.repeat(500),
      host: `${nasty}h`.repeat(500),
      path: `/${nasty}p`.repeat(5000),
      outcome: 'request_malformed',
    } as const;
    write(ended, { protocol: 'h2', tls: { version: 'TLSv1.3', serverName: `${nasty}s`.repeat(15) } });
    const [text = ''] = texts;
    assert.equal(text.indexOf('\n'), text.length - 1);
    assert.doesNotMatch(text.slice(0, -1), /[^\x20-\x7e\u2026\ufffd]/);
    assert.ok(Buffer.byteLength(text) <= 4096, `${Buffer.byteLength(text)} bytes`);
    const [line] = lines();
    assert.match(line.method, /\u2026$/);
    assert.ok(line.method.length <= 33 && line.host.length <= 257 && line.path.length <= 1025);
    assert.ok(line.sni.length <= 257);
  });

  test('keeps short values unchanged', () => {
    const { write, lines } = harness(1);
    write({ method: 'M'.repeat(32), host: 'h'.repeat(256), path: `/${'p'.repeat(1023)}` });
    const [line] = lines();
    assert.deepEqual(
      [line.method, line.host, line.path],
      ['M'.repeat(32), 'h'.repeat(256), `/${'p'.repeat(1023)}`],
    );
  });

  for (const [what, changes, expected] of [
    [
      'a token in the path',
      { path: '/reset/eyJhbGciOiJSUzI1NiJ9.e30.AAAA_-/x' },
      { path: '/reset/[token]/x' },
    ],
    [
      'a token that is cut',
      { path: `/${'a'.repeat(1000)}/eyJhbGciOiJSUzI1NiJ9.e30.AAAA` },
      { path: `/${'a'.repeat(1000)}/[token]\u2026` },
    ],
    ['a fragment', { path: '/x#access_token=secret' }, { path: '/x' }],
    ['a password in Host', { host: 'user:secret@a.example' }, { host: 'a.example' }],
    ['a token as Host', { host: 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA' }, { host: '[token]' }],
  ] as const) {
    test(`does not show ${what}`, () => {
      const { write, lines } = harness(1);
      write({ ...changes, outcome: 'request_malformed' });
      const [line] = lines();
      for (const [field, value] of Object.entries(expected)) assert.equal(line[field], value);
    });
  }

  test('takes no longer for a path made of beginnings of tokens', () => {
    const { write, lines } = harness(1);
    write({ path: `/${'eyJ'.repeat(5000)}` });
    assert.equal(lines()[0].path, '/[token]\u2026');
  });
});

describe('the log has', () => {
  test('errors: all but a response of upstream below 500 and a reply to a preflight', () => {
    const { write, lines } = harness('errors');
    for (const status of [200, 304, 404, 499, 500, 503]) write({ status });
    write({ outcome: 'preflight_answered', status: 204 });
    for (const outcome of ['token_missing', 'client_aborted', 'upstream_reset', 'draining'] as const) {
      write({ outcome, status: outcome === 'client_aborted' ? null : 200 });
    }
    assert.deepEqual(
      lines().map(({ outcome, status }) => [outcome, status]),
      [
        ['forwarded', 500],
        ['forwarded', 503],
        ['token_missing', 200],
        ['client_aborted', null],
        ['upstream_reset', 200],
        ['draining', 200],
      ],
    );
  });

  test('a sample: the share of all, drawn when an exchange begins, and no address read for the others', () => {
    const draws = [0, 0.0099, 0.01, 0.5, 0.999];
    let asked = 0;
    const { access } = harness(0.01, () => draws.shift() as number);
    const records = [...draws].map(() =>
      access.begin(plain, marks, () => {
        asked += 1;
        return '192.0.2.1';
      }),
    );
    assert.deepEqual(
      records.map((record) => record !== undefined),
      [true, true, false, false, false],
    );
    assert.equal(asked, 2);
  });

  test('all: without a draw', () => {
    const { write, texts } = harness(1, () => assert.fail());
    for (let at = 0; at < 10; at += 1) write();
    assert.equal(texts.length, 10);
  });
});

describe('a line that cannot be written', () => {
  test('because too much waits for the reader is left out and counted', () => {
    let crowded = true;
    const written: object[] = [];
    const log: Log = { ...silentLog, info: (line) => written.push(line), crowded: () => crowded };
    const dropped = new Counter();
    const access = new AccessLog('errors', log, dropped);
    const record = access.begin(plain, marks, () => '');
    assert.ok(record);
    access.write(record, { ...end, status: 500 });
    access.write(record, end); // It was not requested, so it is not missing.
    assert.deepEqual([written.length, dropped.value], [0, 1]);
    crowded = false;
    access.write(record, { ...end, status: 500 });
    assert.deepEqual([written.length, dropped.value], [1, 1]);
  });

  test('because the log throws costs only the line', () => {
    const log: Log = {
      ...silentLog,
      info() {
        throw new Error('full');
      },
    };
    const dropped = new Counter();
    const access = new AccessLog(1, log, dropped);
    const record = access.begin(plain, marks, () => '');
    assert.ok(record);
    access.write(record, end);
    assert.equal(dropped.value, 1);
  });
});
