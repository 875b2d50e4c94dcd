import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type LogOptions } from '../../src/lib/log.ts';

type Call = readonly [fields: object, message: string];

/** The lines of a log of text for some calls, without their times. */
function textOf(calls: readonly Call[], options: Partial<LogOptions> = {}): string[] {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: 'info', format: 'text', destination, ...options });
  for (const [fields, message] of calls) log.info(fields, message);
  return lines.map((line) => {
    assert.match(line, /^(<6>)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [^\n]+\n$/);
    return line.replace(/\d{4}\S+Z /, '').trimEnd();
  });
}

for (const [what, fields, text] of [
  [
    'plain texts, numbers, flags and nothing',
    { a: 'b-c', n: 1.5, f: false, x: null },
    'a=b-c n=1.5 f=false x=null',
  ],
  ['addresses and paths', { server: '127.0.0.1:9000', path: '/a/b?' }, 'server=127.0.0.1:9000 path=/a/b?'],
  [
    'texts with blanks, quotes and "="',
    { a: 'b c', d: '"', e: 'f=g', h: '\\' },
    'a="b c" d="\\"" e="f=g" h="\\\\"',
  ],
  ['an empty text', { a: '' }, 'a=""'],
  [
    'texts that read as other values',
    { a: '17', b: '-1.5e9', c: 'null', d: 'true' },
    'a="17" b="-1.5e9" c="null" d="true"',
  ],
  ['objects by names with dots', { a: { b: { c: 1 }, d: 'e' } }, 'a.b.c=1 a.d=e'],
  ['lists as JSON', { a: ['b', 1] }, 'a="[\\"b\\",1]"'],
  ['names that are none', { 'a=b c': 1 }, '"a=b c"=1'],
] as const) {
  test(`a line of text has ${what}`, () => {
    assert.deepEqual(textOf([[fields, 'it happened']]), [`info it happened ${text}`]);
  });
}

test('a message that could be taken for a field is quoted', () => {
  assert.deepEqual(
    textOf([
      [{}, 'so level=error'],
      [{}, 'two\nlines'],
    ]),
    ['info "so level=error"', 'info "two\\nlines"'],
  );
});

test('fields of a caller do not replace level, time and message', () => {
  const [line = ''] = textOf([[{ level: 'error', time: 'never', message: 'forged' }, 'real']]);
  assert.equal(line, 'info real');
});

test('no line controls a terminal, whatever it says', () => {
  const nasty = 'a\r\n\t\0\u001b[2J\u007f\u0085\u009b\u2028\u202e\ud800\ue000';
  const [line = ''] = textOf([[{ [nasty]: nasty, list: [nasty], deep: { [nasty]: nasty } }, nasty]]);
  assert.doesNotMatch(line, /[^\x20-\x7e]/);
  assert.match(line, /\\u001b\[2J\\u007f\\u0085\\u009b\\u2028\\u202e\\ud800\\ue000/);
});

test('an error is its type, message and stack, which is cut', () => {
  const error = new Error('it broke');
  error.stack = 'x'.repeat(100_000);
  const [line = ''] = textOf([[{ error }, 'a fault']]);
  assert.match(
    line,
    /^info a fault error\.type=Error error\.message="it broke" error\.stack="x{2000}\u2026"$/,
  );
  assert.ok(line.length < 4096);
});

test('lines of a listener name it, and lines for the journal begin with their priority', () => {
  assert.deepEqual(textOf([[{}, 'one']], { listener: 3, journal: true }), ['<6>info one listener=3']);
});
