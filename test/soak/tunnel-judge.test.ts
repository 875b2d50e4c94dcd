import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestKey } from '../support/tokens.ts';
import { Excuses } from './excuses.ts';
import { History } from './history.ts';
import type { Token } from './tokens.ts';
import { ECHO_MS, judgeEnd, judgeOpening, LATE_MS, overdue, type TunnelLife } from './tunnel-judge.ts';
import { BINARY, CLOSE, closeOf, type Frame, FrameReader, frameOf, PING, TEXT } from './websocket-frames.ts';
import { Windows } from './windows.ts';

const inSeconds = (seconds: number): number => Math.round(Date.now() / 1000) + seconds;

function token(more: Partial<Token> = {}): Token {
  const key = { kid: 'k', key: {} as TestKey, inForce: new History(true) };
  return { text: '', sub: 'a', jti: 'b', key, revoked: new History(false), ...more };
}

describe('the judge of tunnels', () => {
  const now = performance.now();
  const windows = new Windows();
  const excuses = new Excuses(windows, true);
  const judged = (
    session: Partial<TunnelLife['session']>,
    more: Partial<TunnelLife> = {},
    by = excuses,
  ): string => {
    const found = judgeEnd(
      {
        session: { fault: undefined, close: undefined, asked: false, isBetween: true, ...session },
        token: token(),
        closedBy: 'its end',
        isDoomed: false,
        openedAt: now,
        endedAt: now + 10,
        endedOn: Date.now(),
        ...more,
      },
      by,
    );
    return 'what' in found ? found.what : `FAULT ${found.fault}`;
  };
  const close = (code: number, reason: string): Partial<TunnelLife['session']> => ({
    close: { code, reason },
  });

  test('lets each Close stand only where it belongs', () => {
    const expired = close(1008, 'token_expired');
    assert.match(judged(expired), /^FAULT/);
    assert.match(judged(expired, { token: token({ expires: inSeconds(2) }) }), /^FAULT/);
    assert.equal(judged(expired, { token: token({ expires: inSeconds(-1) }) }), 'Close 1008 token_expired');

    const revoked = close(1008, 'token_revoked');
    assert.match(judged(revoked), /^FAULT/);
    assert.equal(
      judged(revoked, { token: token({ revoked: new History(true) }) }),
      'Close 1008 token_revoked',
    );

    const draining = close(1001, 'draining');
    assert.match(judged(draining), /^FAULT/);
    const rolling = new Windows();
    rolling.open('roll');
    assert.equal(
      judged(draining, { endedAt: performance.now() + 1_000 }, new Excuses(rolling, true)),
      'Close 1001 draining',
    );

    assert.match(judged(close(1000, '')), /^FAULT/);
    assert.equal(judged({ ...close(1000, ''), asked: true }), 'Close 1000 ');
    assert.match(judged(close(1006, 'why')), /^FAULT/);
  });

  test('lets a tunnel end without one only with a listener, an upstream, or in the middle of a frame', () => {
    assert.match(judged({}), /^FAULT an end without Close/);
    assert.equal(judged({}, { closedBy: 'the client' }), 'left');
    assert.equal(judged({}, { isDoomed: true }), 'its listener was killed');
    const down = new Windows();
    down.open('upstream a down');
    const later = { endedAt: performance.now() + 1_000 };
    assert.equal(judged({}, later, new Excuses(down, true)), 'upstream was down');
    const over = { token: token({ expires: inSeconds(-1) }) };
    assert.match(judged({}, over), /^FAULT/);
    assert.equal(judged({ isBetween: false }, over), 'cut in the middle of a frame');
    assert.match(judged({ fault: 'x' }, { isDoomed: true }), /^FAULT x/);
  });

  test('finds tunnels that outlive their token, and frames that do not come', () => {
    assert.equal(overdue({ dueSince: now }, token(), now + 1_000), undefined);
    assert.match(overdue({ dueSince: now }, token(), now + ECHO_MS + 1) ?? '', /not back/);
    const ended = token({ expires: inSeconds(-2 - LATE_MS / 1000) });
    assert.match(overdue({ dueSince: undefined }, ended, now) ?? '', /after the end of its token/);
    assert.equal(overdue({ dueSince: undefined }, token({ expires: inSeconds(-2) }), now), undefined);
    const revoked = token({ revoked: new History(true) });
    assert.match(overdue({ dueSince: undefined }, revoked, now) ?? '', /was refused/);
    const lately = new History(false);
    lately.begin(true);
    lately.settle();
    assert.equal(overdue({ dueSince: undefined }, token({ revoked: lately }), performance.now()), undefined);
  });

  test('lets a request be refused only for its token, its upstream, or a listener that goes', () => {
    const at = { isDoomed: false, openedAt: now };
    const opened = (
      status: number | undefined,
      reason: string | undefined,
      one = token(),
      place = at,
    ): string => {
      const found = judgeOpening({ status, reason }, one, place, excuses, now + 10);
      return 'what' in found ? found.what : `FAULT ${found.fault}`;
    };
    assert.match(opened(401, 'token_revoked'), /^FAULT/);
    assert.equal(opened(401, 'token_revoked', token({ revoked: new History(true) })), '401 token_revoked');
    assert.equal(opened(401, 'token_expired', token({ expires: inSeconds(-1) })), '401 token_expired');
    for (const reason of ['upstream_unreachable', 'draining', 'tunnels_exhausted']) {
      assert.match(opened(reason === 'upstream_unreachable' ? 502 : 503, reason), /^FAULT/);
    }
    assert.match(opened(undefined, undefined), /^FAULT/);
    assert.equal(opened(undefined, undefined, token(), { ...at, isDoomed: true }), 'its listener was killed');
  });
});

test('frames are read as they were written, however they are cut', () => {
  const frames: readonly Frame[] = [
    { first: TEXT, payload: Buffer.from('hello') },
    { first: PING, payload: Buffer.alloc(0) },
    { first: BINARY, payload: Buffer.alloc(300, 'm') },
    { first: BINARY, payload: Buffer.alloc(70_000, 'l') },
    { first: CLOSE, payload: Buffer.of(3, 232, 97) },
  ];
  for (const key of [undefined, Buffer.of(1, 2, 3, 4)]) {
    const bytes = Buffer.concat(frames.map((frame) => frameOf(frame, key)));
    for (const size of [1, 7, 1_000, bytes.length]) {
      const reader = new FrameReader();
      const read: Frame[] = [];
      for (let at = 0; at < bytes.length; at += size)
        read.push(...reader.push(bytes.subarray(at, at + size)));
      assert.deepEqual(read, frames);
      assert.ok(reader.isBetween);
    }
  }
  assert.deepEqual(closeOf(frames[4] as Frame), { code: 1000, reason: 'a' });
  assert.deepEqual(closeOf({ first: CLOSE, payload: Buffer.alloc(0) }), { code: 1005, reason: '' });
});
