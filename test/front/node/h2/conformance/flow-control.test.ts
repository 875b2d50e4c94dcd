import assert from 'node:assert/strict';
import { test } from 'node:test';
import { data, get, H2Client, post, resetCode, responseHead, windowUpdate } from '../client.ts';
import { type Frame, frame, settings, types } from '../frames.ts';
import { errors } from './rows.ts';

const bytesOn = (frames: readonly Frame[], stream: number): number =>
  frames
    .filter((one) => one.stream === stream && one.type === types.data)
    .reduce((sum, { payload }) => sum + payload.length, 0);

const isEnded = (frames: readonly Frame[], stream: number): boolean =>
  frames.some((one) => one.stream === stream && one.type === types.data && (one.flags & 1) !== 0);

/** A client whose streams have a window of `bytes`. */
async function clientWith(bytes: number): Promise<H2Client> {
  const client = new H2Client();
  client.send(settings([0x4, bytes]));
  await client.frames();
  return client;
}

test('§6.9.1: no DATA goes beyond the window of its stream', async () => {
  const client = await clientWith(1);
  client.send(get(1));
  assert.equal(client.exchange().respond('abc'), false);
  assert.equal(client.exchange().client.behind, true);
  const first = await client.frames();
  assert.deepEqual([bytesOn(first, 1), isEnded(first, 1)], [1, false]);
  client.send(windowUpdate(1, 1));
  assert.equal(bytesOn(await client.frames(), 1), 1);
  assert.equal(client.exchange().drained, 0);
  client.send(windowUpdate(1, 100));
  const last = await client.frames();
  assert.deepEqual([bytesOn(last, 1), isEnded(last, 1)], [1, true]);
  assert.equal(client.exchange().drained, 1);
  assert.equal(client.exchange().client.behind, false);
});

test('§6.9.1: a window of 0 holds back DATA, not its head nor an empty end', async () => {
  const client = await clientWith(0);
  client.send(get(1), get(3));
  assert.equal(client.exchange(0).respond('abc'), false);
  const { client: other } = client.exchange(1);
  other.begin(responseHead(200));
  assert.equal(other.send([], false), true);
  assert.equal(other.send([], true), true);
  const frames = await client.frames();
  assert.deepEqual(
    frames.map(({ type, stream }) => [type, stream]),
    [
      [types.headers, 1],
      [types.headers, 3],
      [types.data, 3],
    ],
  );
});

test('§6.9.1: no DATA goes beyond the window of the connection, and streams share what is granted', async () => {
  const client = await clientWith(0x7fffffff);
  client.send(get(1), get(3));
  const body = 'x'.repeat(50_000);
  assert.equal(client.exchange(0).respond(body), true);
  assert.equal(client.exchange(1).respond(body), false);
  const first = await client.frames();
  assert.deepEqual([bytesOn(first, 1), bytesOn(first, 3)], [50_000, 15_535]);
  client.send(windowUpdate(3, 1000));
  assert.equal(bytesOn(await client.frames(), 3), 0);
  client.send(windowUpdate(0, 34_465));
  const rest = await client.frames();
  assert.deepEqual([bytesOn(rest, 3), isEnded(rest, 3)], [34_465, true]);
});

test('§6.9.2: settings widen the windows of open streams', async () => {
  const client = await clientWith(0);
  client.send(get(1));
  client.exchange().respond('abc');
  await client.frames();
  client.send(settings([0x4, 1]));
  assert.equal(bytesOn(await client.frames(), 1), 1);
  client.send(settings([0x4, 3]));
  assert.equal(bytesOn(await client.frames(), 1), 2);
});

test('§6.9.2: settings can make a window negative, which must be made up for first', async () => {
  const client = await clientWith(3);
  client.send(get(1));
  client.exchange().respond('abcdef');
  await client.frames();
  client.send(settings([0x4, 0]), windowUpdate(1, 3));
  assert.equal(bytesOn(await client.frames(), 1), 0);
  client.send(windowUpdate(1, 1));
  assert.equal(bytesOn(await client.frames(), 1), 1);
});

test('§6.5.3: the settings of one frame are applied in their order', async () => {
  const client = new H2Client();
  client.send(get(1), settings([0x4, 100], [0x4, 1]));
  await client.frames();
  client.exchange().respond('abc');
  assert.equal(bytesOn(await client.frames(), 1), 1);
});

test('DATA goes in frames of 2^14 bytes at most, whatever the client takes (§4.2)', async () => {
  const client = new H2Client();
  client.send(settings([0x5, 0xffffff]), get(1));
  await client.frames();
  client.exchange().respond('x'.repeat(40_000));
  const sizes = (await client.frames())
    .filter(({ type }) => type === types.data)
    .map(({ payload }) => payload.length);
  assert.deepEqual(sizes, [16_384, 16_384, 7232]);
});

test('pieces that wait are a copy, and a reply that waits is sent in its turn', async () => {
  const client = await clientWith(0);
  client.send(get(1), get(3));
  const { client: stream } = client.exchange();
  const shared = [Buffer.from('abc'), Buffer.from('def')];
  stream.begin(responseHead(200));
  assert.equal(stream.send(shared, false), false);
  for (const piece of shared) piece.fill('z');
  client.exchange(1).client.reply({ head: responseHead(403, 2), body: Buffer.from('no'), close: false });
  assert.equal(client.exchange(1).replied, true);
  await client.frames();
  client.send(windowUpdate(1, 100), windowUpdate(3, 100));
  const frames = await client.frames();
  const texts = frames
    .filter(({ type }) => type === types.data)
    .map(({ payload, flags }) => [`${payload}`, flags]);
  assert.deepEqual(texts, [
    ['abcdef', 0],
    ['no', 1],
  ]);
});

test('the rest of a piece that a window cut is joined with those behind it', async () => {
  for (let first = 0; first <= 7; first += 1) {
    const client = await clientWith(first);
    client.send(get(1));
    const { client: stream } = client.exchange();
    stream.begin(responseHead(200));
    const pieces = ['ab', '', 'cde', 'f', ''].map((text) => Buffer.from(text));
    assert.equal(stream.send(pieces, false), first >= 6);
    for (const one of pieces) one.fill('z');
    await client.frames();
    client.send(windowUpdate(1, 100));
    const rest = (await client.frames()).filter(({ type }) => type === types.data);
    assert.equal(rest.map(({ payload }) => `${payload}`).join(''), 'abcdef'.slice(first));
    assert.ok(rest.length <= 1, `${rest.length} frames`);
  }
});

const piece = Buffer.alloc(16_384, 'x');

test('§6.9: a client is granted what the exchange takes, and nothing while it pauses', async () => {
  const client = new H2Client();
  client.send(post(1));
  await client.frames();
  const { client: stream } = client.exchange();
  stream.pauseBody();
  assert.equal(stream.pausing, true);
  for (let sent = 0; sent < 16; sent += 1) client.send(data(1, piece));
  const grants = async (id: number): Promise<number> =>
    (await client.frames())
      .filter(({ type, stream: of }) => type === types.window && of === id)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  assert.equal(client.exchange().body.length, 262_144);
  assert.equal(await grants(1), 0);
  stream.resumeBody();
  assert.equal(await grants(1), 262_144);
  assert.equal(stream.takePaused(), true);
  assert.equal(stream.takePaused(), false);
  for (let sent = 0; sent < 8; sent += 1) client.send(data(1, piece));
  assert.equal(await grants(1), 131_072);
});

test('§6.9.1: a client that sends more than it was granted on a stream loses the stream', async () => {
  const client = new H2Client();
  client.send(post(1));
  client.exchange().client.pauseBody();
  for (let sent = 0; sent < 16; sent += 1) client.send(data(1, piece));
  assert.equal(resetCode(await client.frames(), 1), undefined);
  client.send(data(1, 'x'));
  assert.equal(resetCode(await client.frames(), 1), errors.flowControl);
  assert.equal(client.exchange().aborted, true);
});

test('§6.9: DATA that is dropped is granted anew on the connection, padding too', async () => {
  const client = new H2Client();
  client.send(post(1), windowUpdate(1, 0));
  await client.frames();
  let granted = 0;
  // More than the connection's window altogether: without grants the client would break it.
  for (let sent = 0; sent < 80; sent += 1) {
    client.send(data(1, piece));
    for (const { type, stream, payload } of await client.frames()) {
      if (type === types.window && stream === 0) granted += payload.readUInt32BE(0);
    }
  }
  assert.ok(granted >= 1024 * 1024, `${granted}`);
});

test('§6.9: padding counts as data', async () => {
  const client = new H2Client();
  client.send(post(1));
  client.exchange().client.pauseBody();
  // One byte in 256 is data.
  const padded = frame(types.data, 0x8, 1, Buffer.concat([Buffer.of(254), Buffer.alloc(255)]));
  for (let sent = 0; sent < 1024; sent += 1) client.send(padded.subarray(0, 10), padded.subarray(10));
  const frames = await client.frames();
  assert.equal(resetCode(frames, 1), undefined);
  client.send(padded);
  assert.equal(resetCode(await client.frames(), 1), errors.flowControl);
});
