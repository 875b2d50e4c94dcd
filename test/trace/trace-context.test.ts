import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newSpanId, newTrace, readTraceContext, traceLines } from '../../src/trace/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const good = `00-${TRACE}-${PARENT}-01`;

const stateOf = (...states: string[]): string | undefined => readTraceContext([good], states)?.state;

describe('traceparent', () => {
  test('is read', () => {
    assert.deepEqual(readTraceContext([good], []), {
      traceId: TRACE,
      parentId: PARENT,
      sampled: true,
      random: false,
      state: '',
    });
    assert.deepEqual(readTraceContext([` ${good}\t`], [])?.traceId, TRACE);
  });

  test('of a later version is read as far as it is known', () => {
    for (const more of ['', '-', '-later-fields']) {
      const context = readTraceContext([`cc-${TRACE}-${PARENT}-0f${more}`], []);
      assert.deepEqual([context?.traceId, context?.sampled, context?.random], [TRACE, true, true], more);
    }
  });

  test('has flags by bits', () => {
    const flags = (text: string): unknown => {
      const context = readTraceContext([`00-${TRACE}-${PARENT}-${text}`], []);
      return [context?.sampled, context?.random];
    };
    assert.deepEqual(
      [flags('00'), flags('01'), flags('02'), flags('fc'), flags('ff')],
      [
        [false, false],
        [true, false],
        [false, true],
        [false, false],
        [true, true],
      ],
    );
  });

  const faulty: Readonly<Record<string, readonly string[]>> = {
    'is missing': [],
    'stands twice': [good, good],
    'is empty': [''],
    'has version ff': [`ff-${TRACE}-${PARENT}-01`],
    'has a trace of zeros': [`00-${'0'.repeat(32)}-${PARENT}-01`],
    'has a parent of zeros': [`00-${TRACE}-${'0'.repeat(16)}-01`],
    'has capitals': [`00-${TRACE.toUpperCase()}-${PARENT}-01`],
    'has another digit': [`00-${TRACE.replace('4', 'g')}-${PARENT}-01`],
    'is too short': [good.slice(0, -1)],
    'is too long': [`${good}0`],
    'has more fields than version 00': [`${good}-00`],
    'is of a later version and runs on': [`01-${TRACE}-${PARENT}-01x`],
    'has a list': [`${good},${good}`],
  };
  for (const [why, values] of Object.entries(faulty)) {
    test(`counts for nothing when it ${why}`, () => {
      assert.equal(readTraceContext(values, ['a=1']), undefined);
    });
  }

  test('cut at any place counts for nothing', () => {
    for (let at = 0; at < good.length; at += 1)
      assert.equal(readTraceContext([good.slice(0, at)], []), undefined, `${at}`);
  });
});

describe('tracestate', () => {
  test('keeps its members and their order, over several fields', () => {
    assert.equal(stateOf('a=1,b=2', ' c=3 ,\td=4', ''), 'a=1,b=2,c=3,d=4');
    assert.equal(stateOf('tenant@system=x', 'x*/_-=~'), 'tenant@system=x,x*/_-=~');
    assert.equal(stateOf('a=in ner'), 'a=in ner');
    assert.equal(stateOf(`a=${'x'.repeat(256)}`), `a=${'x'.repeat(256)}`);
  });

  const faulty: Readonly<Record<string, string>> = {
    'no value': 'a',
    'an empty value': 'a=',
    'a capital in a key': 'A=1',
    'a sign in a value': 'a=b=c',
    'a control': 'a=\x01',
    'a byte beyond ASCII': 'a=\xe9',
    'a key twice': 'a=1,b=2,a=3',
    'a key that begins with a digit and names no tenant': '1a=2',
    'a value that is too long': `a=${'x'.repeat(257)}`,
    'more than 32 members': Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(),
    'more than 512 characters': `${['a', 'b', 'c'].map((key) => `${key}=${'x'.repeat(200)}`)}`,
  };
  for (const [what, state] of Object.entries(faulty)) {
    test(`with ${what} is left out, and the trace goes on`, () => assert.equal(stateOf(state), ''));
  }
});

test('a request carries on the trace, by its own span', () => {
  const context = readTraceContext([good], ['a=1']);
  assert.ok(context);
  assert.equal(
    traceLines(context, 'b7ad6b7169203331', context.sampled),
    `traceparent: 00-${TRACE}-b7ad6b7169203331-01\r\ntracestate: a=1\r\n`,
  );
});

test('a new trace is random and well formed, and each is another', () => {
  const seen = new Set<string>();
  for (let turn = 0; turn < 2_000; turn += 1) {
    const lines = traceLines(newTrace(turn % 2 === 0), newSpanId(), turn % 2 === 0);
    const parent = lines.slice('traceparent: '.length, -2);
    const read = readTraceContext([parent], []);
    assert.deepEqual([read?.sampled, read?.random], [turn % 2 === 0, true]);
    seen.add(read?.traceId ?? '').add(read?.parentId ?? '');
  }
  assert.equal(seen.size, 4_000);
});
