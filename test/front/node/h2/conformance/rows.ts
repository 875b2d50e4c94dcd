import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { H2Terms } from '../../../../../src/front/node/h2/streams.ts';
import { goAwayCode, H2Client, resetCode } from '../client.ts';
import { type Frame, types } from '../frames.ts';

export const errors = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refused: 0x7,
  cancel: 0x8,
  compression: 0x9,
  calm: 0xb,
} as const;

/** What must become of the bytes of a row. */
type Expected =
  /** The connection ends with this error. */
  | { readonly goaway: number }
  /** Stream 1, or the one that is named, is reset with this error, and the connection goes on. */
  | { readonly reset: number; readonly stream?: number }
  /** Stream 1 gets a 400 first, then it is reset with PROTOCOL_ERROR, and the connection goes on. */
  | 'malformed'
  /** As many requests come whole and without a fault, and nothing is refused. */
  | { readonly requests: number };

export interface Row {
  readonly send: readonly Uint8Array[];
  /** Each request gets its response as soon as it is whole. */
  readonly responds?: true;
  /** The client sends what it says as the first bytes. */
  readonly bare?: true;
  readonly terms?: Partial<H2Terms>;
  readonly expect: Expected;
  /** More that must hold. */
  readonly also?: (client: H2Client, frames: readonly Frame[]) => void;
}

const ping = Buffer.from('000008060000000000' + '0123456789abcdef', 'hex');

async function run({ send, responds, bare, terms = {}, expect, also }: Row, cut: boolean): Promise<void> {
  const client = new H2Client({ greeted: bare !== true, terms });
  const respond = (): void => {
    for (const exchange of client.exchanges) {
      const { client: stream, complete, replied, aborted } = exchange;
      const whole = stream.head.framing === 'none' || complete;
      if (whole && !stream.started && replied === undefined && !aborted) exchange.respond('');
    }
  };
  for (const part of send) {
    if (cut) for (let at = 0; at < part.length; at += 1) client.send(part.subarray(at, at + 1));
    else client.send(part);
    if (responds) respond();
  }
  const frames = await client.frames();
  if (typeof expect === 'object' && 'goaway' in expect) {
    assert.equal(goAwayCode(frames), expect.goaway);
    assert.equal(client.socket.closed, true);
    // Nothing is read behind the error, and nobody waits for what cannot come.
    client.send(ping);
    assert.deepEqual(await client.frames(), []);
    for (const { aborted, client: stream } of client.exchanges) {
      assert.ok(aborted || stream.started, 'an exchange was left alone');
    }
    return;
  }
  assert.equal(goAwayCode(frames), undefined);
  assert.equal(client.socket.closed, false);
  client.send(ping);
  const [pong] = await client.frames();
  assert.deepEqual([pong?.type, pong?.flags], [types.ping, 1], 'the connection does not go on');
  const resets = frames.filter(({ type }) => type === types.reset);
  if (expect === 'malformed') {
    assert.equal(resetCode(frames, 1), errors.protocol);
    assert.equal(client.exchange().client.head.fault, 'request_malformed');
    assert.equal(client.exchange().replied, true);
    const reply = frames
      .filter(({ stream }) => stream === 1)
      .map(({ type, payload }) => [type, `${payload}`]);
    assert.deepEqual(reply.at(-2), [types.data, 'bad']);
  } else if ('reset' in expect) {
    assert.equal(resetCode(frames, expect.stream ?? 1), expect.reset);
    assert.equal(resets.length, 1);
  } else {
    assert.deepEqual(resets, []);
    assert.equal(client.exchanges.length, expect.requests);
    for (const { client: stream, complete } of client.exchanges) {
      assert.equal(stream.head.fault, undefined);
      assert.ok(stream.head.framing === 'none' || complete, 'a body did not end');
    }
  }
  also?.(client, frames);
}

/** One test for each row: its bytes come in the pieces that it names, and one by one. */
export function checkRows(section: string, rows: Readonly<Record<string, Row>>): void {
  describe(section, () => {
    for (const [name, row] of Object.entries(rows)) {
      test(name, async () => {
        await run(row, false);
        await run(row, true);
      });
    }
  });
}
