import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_STREAMS } from '../../../../src/front/node/h2/streams.ts';
import { get, goAwayCode, H2Client, responseHead, windowUpdate } from './client.ts';
import { errors } from './conformance/rows.ts';
import { settings, types } from './frames.ts';

const body = Buffer.alloc(64 * 1024, 'x');

/** A client whose window is closed, and so many responses that wait for it. */
function waitingResponses(count: number): H2Client {
  const client = new H2Client();
  client.send(settings([0x4, 0]), windowUpdate(0, 2 ** 30));
  for (let at = 0; at < count; at += 1) client.send(get(2 * at + 1));
  for (const { client: stream } of client.exchanges) {
    stream.begin(responseHead(200));
    stream.send([body], false);
  }
  return client;
}

/** Sends `next` until the connection ends. @returns how many times it was sent, and the DATA frames that came of it. */
async function flood(
  client: H2Client,
  next: (at: number) => Uint8Array,
  most: number,
): Promise<readonly [sent: number, frames: number, code: number | undefined]> {
  await client.frames();
  let sent = 0;
  while (!client.socket.closed && sent < most) {
    sent += 1;
    client.send(next(sent));
  }
  const frames = await client.frames();
  return [sent, frames.filter(({ type }) => type === types.data).length, goAwayCode(frames)];
}

// CVE-2019-9511: a response that must leave byte by byte costs a frame for each byte.
describe('a client that opens its windows by a few bytes', () => {
  test('is sent no more tiny frames of one response than it may spend', async () => {
    const [sent, frames, code] = await flood(waitingResponses(1), () => windowUpdate(1, 1), 2_000);
    assert.equal(code, errors.calm);
    assert.ok(sent < 1_000 && frames <= sent, `${sent} updates, ${frames} frames`);
  });

  test('gains nothing by settings that move the windows of all streams', async () => {
    const [sent, frames, code] = await flood(
      waitingResponses(MAX_STREAMS),
      (at) => settings([0x4, at]),
      5_000,
    );
    assert.equal(code, errors.calm);
    assert.ok(sent <= 100 && frames <= sent * MAX_STREAMS, `${sent} settings, ${frames} frames`);
  });

  test('is served as long as it takes 256 bytes at once', async () => {
    const client = waitingResponses(MAX_STREAMS);
    const next = (at: number): Buffer => windowUpdate(2 * (at % MAX_STREAMS) + 1, 256);
    const [sent, frames, code] = await flood(client, next, 2_000);
    assert.deepEqual([sent, frames, code], [2_000, 2_000, undefined]);
  });
});
