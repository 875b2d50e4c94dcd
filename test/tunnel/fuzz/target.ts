import assert from 'node:assert/strict';
import { closeFrame, GOING_AWAY, POLICY_VIOLATION } from '../../../src/http/websocket/close-frame.ts';
import type { Examined, Target } from '../../support/fuzz/fuzz.ts';
import { mutateBytes } from '../../support/fuzz/mutate.ts';
import type { Random } from '../../support/fuzz/random.ts';
import { type Input, tokens } from './input.ts';
import { endings, type Played, play, type Script } from './play.ts';
import { framesIn } from './reference.ts';

/** Bytes of a read at most: byte by byte, small pieces, all at once. */
const reads = [1, 40, 4096] as const;
/** Bytes of an input that are played one by one; more only make the run slower. */
const SHORT = 400;

const noBytes = Buffer.alloc(0);

/** Throws when the peers received something else than they must have. Returns what became of the tunnel. */
export function judge(script: Script, played: Played): string {
  const { fromServer, fromClient, ending } = script;
  const { client, server, endedBy, endedAt } = played;
  const got = client.written;
  if (endedAt === undefined) return judgeLeft(script, played);
  assert.notEqual(client.state, 'open', 'the tunnel ends');
  assert.notEqual(client.state, 'ended', 'the tunnel ends');
  const serverHad = fromClient.subarray(0, played.serverHad);
  if (ending === 'cut') {
    assert.deepEqual(server.written, serverHad, 'nothing of the client later');
    assert.deepEqual(got, fromServer.subarray(0, endedAt));
    assert.deepEqual([client.state, server.state], ['cut', 'cut']);
    return 'cut';
  }
  const code = endedBy === 'draining' || endedBy === 'route_not_found' ? GOING_AWAY : POLICY_VIOLATION;
  const { boundaries, closeAt } = framesIn(fromServer);
  const boundary = boundaries.find((at) => at >= endedAt);
  const isCut = boundary === undefined || got.length < boundary;
  if (isCut && !played.serverWasOver) {
    assert.ok(boundary === undefined || played.hasLeft, 'the frame of the server has come whole');
    assert.deepEqual(server.written, serverHad, 'nothing of the client later');
    assert.deepEqual(got, fromServer.subarray(0, got.length), 'nothing behind bytes of the server');
    return `${endedBy} ${client.state}`;
  }
  const isHeard = played.clientWasOver || played.hasLeft;
  assert.deepEqual(
    unmasked(server.written, played.serverHad),
    Buffer.concat([serverHad, isHeard ? noBytes : closeBehind(serverHad, code, endedBy)]),
    'upstream gets a Close frame behind a whole frame',
  );
  const isSilent = isCut || closeAt < boundary || played.serverWasOver;
  const close = isSilent ? noBytes : closeFrame(code, `${endedBy}`);
  assert.deepEqual(got, Buffer.concat([fromServer.subarray(0, boundary), close]));
  assert.deepEqual([client.state, server.state], ['closed', 'closed']);
  return `${endedBy} ${isSilent ? 'without' : 'with'} Close ${boundary === endedAt ? 'at once' : 'later'}`;
}

/** Judges a tunnel that the peers have ended. */
function judgeLeft({ fromServer, fromClient }: Script, { client, server, endedBy }: Played): string {
  const [got, had] = [client.written, server.written];
  if (server.wasReset || client.wasReset) {
    assert.deepEqual(got, fromServer.subarray(0, got.length), 'the client has a beginning');
    assert.deepEqual(had, fromClient.subarray(0, had.length), 'the server has a beginning');
  } else {
    assert.deepEqual(got, fromServer, 'the client has all bytes of the server');
    assert.deepEqual(had, fromClient, 'the server has all bytes of the client');
  }
  if (endedBy !== 'upstream_reset') return `${endedBy}`;
  const { boundaries, closeAt } = framesIn(got);
  assert.equal(boundaries.at(-1) === got.length && closeAt < got.length, false, 'a server that has said all');
  assert.deepEqual([client.state, server.state], ['cut', 'cut']);
  return 'upstream_reset';
}

/** The Close frame that may follow these bytes of a client. */
function closeBehind(bytes: Buffer, code: number, reason: string | undefined): Buffer {
  const { boundaries, closeAt } = framesIn(bytes);
  const may = boundaries.at(-1) === bytes.length && closeAt > bytes.length;
  return may ? Buffer.from(closeFrame(code, `${reason}`)) : noBytes;
}

/** The same without the mask of a Close frame from `at` on. */
function unmasked(bytes: Buffer, at: number): Buffer {
  const frame = bytes.subarray(at);
  if (frame.length < 6) return bytes;
  const payload = frame.subarray(6).map((byte, index) => byte ^ (frame[2 + (index % 4)] as number));
  const header = Buffer.of(frame[0] as number, (frame[1] as number) - 128);
  return Buffer.concat([bytes.subarray(0, at), header, payload]);
}

/** Plays an input with reads of each size, and an end of the gateway or of the peers at some step. */
async function examine(random: Random, { bytes }: Input, before: Input): Promise<Examined> {
  const { boundaries, kinds, closeAt } = framesIn(bytes);
  const ways: string[] = [];
  for (const read of reads) {
    const ending = random.below(5) === 0 ? undefined : random.pick(endings);
    const script: Script = {
      fromServer: read === 1 ? bytes.subarray(0, SHORT) : bytes,
      fromClient: read === 1 ? before.bytes.subarray(0, SHORT) : before.bytes,
      read,
      ending,
      endStep: random.below(read === 1 ? 2 * SHORT : 12),
      // Without an end of the gateway, only these end it.
      serverEnds: ending === undefined || random.below(4) === 0,
      clientEnds: ending === undefined || random.below(4) === 0,
      resets: random.below(4) === 0,
    };
    ways.push(judge(script, await play(random, script)));
  }
  const last = boundaries.at(-1) === bytes.length;
  return {
    carried: boundaries.length > 1,
    behaviour: [kinds.size > 3, closeAt < bytes.length, last, ways.at(-1)].join(' '),
    difference: undefined,
  };
}

/** WebSockets through a tunnel, beside a reading of all their bytes at once. */
export const tunnels: Target<Input> = {
  mutate: (random, input, other) => ({ bytes: mutateBytes(random, input.bytes, other.bytes, tokens) }),
  examine,
};
