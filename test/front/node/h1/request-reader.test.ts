import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeadParser } from '../../../../src/front/node/h1/head-parser.ts';
import type { HeadLimits } from '../../../../src/front/node/h1/request-head.ts';
import { RequestReader } from '../../../../src/front/node/h1/request-reader.ts';
import { bodies } from './request-body-rows.ts';
import { heads } from './request-head-rows.ts';
import { cut, type Outcome, Player, usualLimits } from './request-player.ts';
import { get, head, post, type Row } from './request-row.ts';

const rows: readonly Row[] = [...heads, ...bodies];
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const each = (bytes: Buffer): number[] => Array.from(bytes, (_, at) => at);

/** Bytes up to which a row is cut at every place. */
const SHORT = 700;

function check({ messages, fault }: Row, outcome: Outcome, how: string): void {
  assert.equal(outcome.fault, fault, how);
  assert.equal(outcome.messages.length, messages.length, how);
  messages.forEach((message, at) => {
    const { [at]: seen } = outcome.messages;
    assert.deepEqual({ ...seen, ...message }, seen, how);
  });
}

describe('requests', () => {
  for (const row of rows) {
    test(row.fault === undefined ? `${row.name} passes` : `${row.name} is refused with ${row.fault}`, () => {
      const player = new Player();
      const bytes = bytesOf(row.bytes);
      const whole = player.play([bytes], row.limits);
      check(row, whole, 'whole');
      assert.deepEqual(player.play(cut(bytes, each(bytes)), row.limits), whole, 'byte by byte');
      if (bytes.length > SHORT) return;
      for (const at of each(bytes)) {
        assert.deepEqual(player.play(cut(bytes, [at]), row.limits), whole, `cut at ${at}`);
      }
    });
  }

  test('rows have names of their own', () => {
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  });
});

describe('a request reader', () => {
  test('says whether a head has begun, for which empty lines do not count', () => {
    const reader = new Player().reader();
    const read = (text: string): string => {
      const bytes = bytesOf(text);
      reader.read(bytes, 0, bytes.length);
      return `${reader.step} ${reader.begun}`;
    };
    assert.equal(reader.begun, false);
    assert.equal(read('\r'), 'more false');
    assert.equal(read('\n\r\n'), 'more false');
    assert.equal(read('G'), 'more true');
    assert.equal(read('ET / HTTP/1.1\r\nHost: a\r\n\r'), 'more true');
    assert.equal(read('\n'), 'head false');
    assert.equal(read('GET / HTTP/1.1\r\n Host: a\r\n'), 'fault false');
  });

  test('awaits no line feed from a client whose first byte is not HTTP', () => {
    for (const byte of ['\x16', '\0', ' ', '\n', '\x80', ':']) {
      const reader = new Player().reader();
      reader.read(bytesOf(byte), 0, 1);
      assert.equal(reader.takeHead().fault, 'request_malformed', JSON.stringify(byte));
    }
  });

  test('reads each line of a trickled head once, and the whole head once at its end', () => {
    let checked = 0;
    let read = 0;
    class CountingParser extends HeadParser {
      override check(...[bytes, from, at, to, fields]: Parameters<HeadParser['check']>): boolean {
        checked += to - at;
        return super.check(bytes, from, at, to, fields);
      }
      override read(...[bytes, from, to, fields, memo]: Parameters<HeadParser['read']>): number {
        read += to - from;
        return super.read(bytes, from, to, fields, memo);
      }
    }
    const reader = new RequestReader(
      { limits: usualLimits, parser: new CountingParser() },
      { scheme: 'http', localHost: 'a' },
    );
    const bytes = bytesOf(get(...Array.from({ length: 90 }, (_, at) => `X-${at}: ${'x'.repeat(100)}`)));
    for (const at of each(bytes)) reader.read(bytes, at, at + 1);
    assert.equal(reader.step, 'head');
    // The first byte is looked at alone.
    assert.equal(checked, bytes.length);
    assert.equal(read, bytes.length + 1);
  });

  test('takes absolute targets of the scheme of its connection alone', () => {
    const terms = { limits: usualLimits, parser: new HeadParser() };
    for (const [scheme, target, step] of [
      ['http', 'http://a/', 'head'],
      ['http', 'https://a/', 'fault'],
      ['https', 'https://a/', 'head'],
      ['https', 'http://a/', 'fault'],
    ] as const) {
      const reader = new RequestReader(terms, { scheme, localHost: 'a' });
      const bytes = bytesOf(head(`GET ${target} HTTP/1.1`, 'Host: a'));
      reader.read(bytes, 0, bytes.length);
      assert.equal(reader.step, step, `${scheme} ${target}`);
    }
  });

  test('follows other limits, for a head that has begun too', () => {
    const limits = (requestHead: number, headerFields: number) => ({ requestHead, headerFields });
    const readerOf = (terms: { limits: HeadLimits }): ((bytes: Buffer) => string) => {
      const reader = new RequestReader(Object.assign(terms, { parser: new HeadParser() }), {
        scheme: 'http',
        localHost: 'a',
      });
      return (bytes) => {
        reader.read(bytes, 0, bytes.length);
        return reader.step === 'fault' ? String(reader.takeHead().fault) : reader.step;
      };
    };
    const bytes = bytesOf(get(`B: ${'x'.repeat(200)}`));
    const terms = { limits: limits(1000, 10) };
    const read = readerOf(terms);
    for (let count = 0; count < 3; count += 1) assert.equal(read(bytes), 'head');
    terms.limits = limits(1000, 2);
    for (let count = 0; count < 3; count += 1) assert.equal(read(bytes), 'head');
    assert.equal(read(bytes.subarray(0, 100)), 'more');
    terms.limits = limits(50, 2);
    assert.equal(read(bytes.subarray(100, 110)), 'request_head_too_large');
    // What the memo holds does not pass by a lower limit.
    for (const lower of [limits(1000, 1), limits(100, 10)]) {
      const others = { limits: limits(1000, 10) };
      const readOther = readerOf(others);
      for (let count = 0; count < 3; count += 1) assert.equal(readOther(bytes), 'head');
      others.limits = lower;
      assert.equal(readOther(bytes), 'request_head_too_large');
    }
  });

  test('checks bytes in words where it can, and alike where it cannot', () => {
    const shared = Buffer.allocUnsafeSlow(4096);
    const parser = new HeadParser();
    const terms = { limits: usualLimits, parser };
    for (const odd of ['\0', '\x7f', '\n', '\x1f']) {
      const good = get(`B: ${'x'.repeat(300)}`);
      const bad = good.replace('xx\r', `x${odd}\r`);
      for (const offset of [0, 1, 2, 4]) {
        parser.view(shared.subarray(offset));
        for (const [text, step] of [
          [good, 'head'],
          [bad, 'fault'],
        ] as const) {
          shared.write(text, offset, 'latin1');
          for (const bytes of [shared.subarray(offset, offset + text.length), bytesOf(text)]) {
            const reader = new RequestReader(terms, { scheme: 'http', localHost: 'a' });
            reader.read(bytes, 0, bytes.length);
            assert.equal(reader.step, step, `${JSON.stringify(odd)} ${offset}`);
          }
        }
      }
    }
  });
});

describe('a repeated head', () => {
  const variants = [
    get('A: 1'),
    get('A: 2'),
    head('GET /x?y HTTP/1.1', 'Host: a', 'A: 1'),
    head('POST /x HTTP/1.1', 'Host: a', 'A: 1'),
    head('GET / HTTP/1.0', 'Host: a', 'A: 1'),
    head('GET http://a/z HTTP/1.1', 'Host: a', 'A: 1'),
    head('OPTIONS * HTTP/1.1', 'Host: a', 'A: 1'),
    get('Expect: 100-continue', 'Connection: close'),
    `${post('Content-Length: 2')}hi`,
    `${post('Transfer-Encoding: chunked')}2\r\nhi\r\n0\r\n\r\n`,
  ];

  test('is read as it is without the memo, whatever came before', () => {
    const alone = (text: string): unknown => ({ ...new Player().play([bytesOf(text)]).messages[0], end: 0 });
    for (const first of variants) {
      for (const second of variants) {
        const series = [first, first, second, second, first, second];
        const player = new Player();
        const { messages } = player.play([bytesOf(series.join(''))]);
        assert.deepEqual(
          messages.map((message) => ({ ...message, end: 0 })),
          series.map(alone),
          `${first} ${second}`,
        );
      }
    }
  });

  test('is the same object, and with another target has the same fields', () => {
    const reader = new Player().reader();
    const heads = [get('A: 1'), get('A: 1'), get('A: 1'), get('A: 1').replace('/', '/b')].map((text) => {
      reader.read(bytesOf(text), 0, text.length);
      return reader.takeHead();
    });
    const [, second, third, fourth] = heads;
    assert.equal(third, second);
    assert.equal(fourth?.path, '/b');
    assert.equal(fourth.names, second?.names);
  });

  test('is refused when the fields do not fit another version or target', () => {
    for (const [fields, other] of [
      [['Transfer-Encoding: chunked'], 'GET / HTTP/1.0'],
      [['B: 1'], 'GET http://b/ HTTP/1.1'],
      [['B: 1'], 'GET * HTTP/1.1'],
    ] as const) {
      const player = new Player();
      const reader = player.reader();
      const bytes = bytesOf(get(...fields));
      for (let count = 0; count < 4; count += 1) {
        reader.read(bytes, 0, bytes.length);
        assert.equal(reader.step, 'head');
      }
      const text = head(other, 'Host: a', ...fields);
      reader.read(bytesOf(text), 0, text.length);
      assert.equal(reader.takeHead().fault, 'request_malformed', text);
    }
  });

  test('is known again after a row of others, and more connections than memos take turns', () => {
    const player = new Player();
    const readers = Array.from({ length: 700 }, () => player.reader());
    for (let round = 0; round < 5; round += 1) {
      readers.forEach((reader, at) => {
        const mark = round === 4 ? 'last' : `${at} ${round % 3}`;
        const { messages } = player.play([bytesOf(get(`A: ${mark}`))], usualLimits, reader);
        assert.equal(messages[0]?.fields, `host: a\na: ${mark}`);
      });
    }
    const [reader] = readers as [ReturnType<Player['reader']>];
    for (let count = 0; count < 1200; count += 1) {
      const { messages } = player.play([bytesOf(get(`A: ${count}`))], usualLimits, reader);
      assert.equal(messages[0]?.fields, `host: a\na: ${count}`);
    }
  });
});
