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

/** Throws when the peers received something else than they must have. Returns what became of the tunnel. */
export function judge({ fromServer, fromClient, ending }: Script, played: Played): string {
  const { client, server, endedBy, endedAt } = played;
  const got = client.written;
  if (endedAt === undefined) {
    assert.deepEqual(got, fromServer, 'the client has all bytes of the server');
    assert.deepEqual(server.written, fromClient, 'the server has all bytes of the client');
    return `${endedBy}`;
  }
  assert.notEqual(client.state, 'open', 'the tunnel ends');
  assert.notEqual(client.state, 'ended', 'the tunnel ends');
  assert.deepEqual(server.written, fromClient.subarray(0, played.serverHad), 'nothing of the client later');
  if (ending === 'cut') {
    assert.deepEqual(got, fromServer.subarray(0, endedAt));
    assert.deepEqual([client.state, server.state], ['cut', 'cut']);
    return 'cut';
  }
  const { boundaries, closeAt } = framesIn(fromServer);
  const boundary = boundaries.find((at) => at >= endedAt);
  if (boundary === undefined || got.length < boundary) {
    assert.ok(boundary === undefined || played.clientLeft, 'the frame of the server has come whole');
    assert.deepEqual(got, fromServer.subarray(0, got.length), 'nothing behind bytes of the server');
    return `${endedBy} ${client.state}`;
  }
  const code = endedBy === 'draining' || endedBy === 'route_not_found' ? GOING_AWAY : POLICY_VIOLATION;
  const isSilent = closeAt < boundary || played.serverWasOver;
  const close = isSilent ? Buffer.alloc(0) : closeFrame(code, `${endedBy}`);
  assert.deepEqual(got, Buffer.concat([fromServer.subarray(0, boundary), close]));
  assert.deepEqual([client.state, server.state], ['closed', 'closed']);
  return `${endedBy} ${isSilent ? 'without' : 'with'} Close ${boundary === endedAt ? 'at once' : 'later'}`;
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
