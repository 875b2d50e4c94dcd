import assert from 'node:assert/strict';
import { grant } from '../../../src/auth/permit.ts';
import { rejections } from '../../../src/auth/rejections.ts';
import type { RequestHead } from '../../../src/http/message.ts';
import type { RequestJudge } from '../../../src/tunnel/token-watch.ts';
import { Tunnels } from '../../../src/tunnel/tunnels.ts';
import type { Random } from '../../support/fuzz/random.ts';
import { VirtualTime } from '../../watch/virtual-time.ts';
import { PlayedSide } from './played-side.ts';

/** Why the gateway ends a tunnel; `cut`: the process closes. */
export const endings = ['token_expired', 'token_revoked', 'route_not_found', 'draining', 'cut'] as const;
export type Ending = (typeof endings)[number];

export interface Script {
  readonly fromServer: Buffer;
  readonly fromClient: Buffer;
  /** Bytes of a read at most. */
  readonly read: number;
  /** The step before which the gateway ends it, and why; after the last step at the latest. */
  readonly ending: Ending | undefined;
  readonly endStep: number;
  /** Whether each peer ends its side when it has sent everything. */
  readonly serverEnds: boolean;
  readonly clientEnds: boolean;
  /** Whether the one that ends resets its connection in place of that. */
  readonly resets: boolean;
}

/** How a tunnel went. */
export interface Played {
  readonly server: PlayedSide;
  readonly client: PlayedSide;
  readonly endedBy: string | undefined;
  /** Bytes that the client had when the gateway began to end it; undefined where a peer came first. */
  readonly endedAt: number | undefined;
  /** Bytes that the server had then. */
  readonly serverHad: number;
  /** The server had ended its side by then, and the client its own. */
  readonly serverWasOver: boolean;
  readonly clientWasOver: boolean;
  /** A side has ended since. */
  readonly hasLeft: boolean;
}

/** Lets a tunnel carry what both peers send, in an order and in pieces by chance, up to its end. */
export async function play(random: Random, script: Script): Promise<Played> {
  const time = new VirtualTime();
  const server = new PlayedSide(random, script.fromServer);
  const client = new PlayedSide(random, script.fromClient);
  let verdict: ReturnType<RequestJudge['judge']> = grant('', false);
  let version = 0;
  const judge: RequestJudge = {
    get version() {
      return version;
    },
    judge: () => verdict,
    endOf: () => 1_000_000,
  };
  let endedBy: string | undefined;
  const tunnels = new Tunnels({ clock: time.clock, timers: time.timers, judge, onIdle: () => {} });
  tunnels.limit = 1;
  tunnels.idleMs = Number.POSITIVE_INFINITY;
  const onEnd = (tunnel: Pick<Played, 'endedBy'>): void => {
    endedBy = tunnel.endedBy;
  };
  const parts = { head: {} as RequestHead, route: '/', subject: undefined, isWebSocket: true };
  tunnels.open({ ...parts, client, upstream: server, onEnd });

  let before: Pick<Played, 'endedAt' | 'serverHad' | 'serverWasOver' | 'clientWasOver'> | undefined;
  let hadEnded = 0;
  const ended = (): number => Number(client.peerEnded) + Number(server.wasReset);
  const end = async (ending: Ending): Promise<void> => {
    before = {
      endedAt: client.written.length,
      serverHad: server.written.length,
      serverWasOver: client.state === 'ended',
      clientWasOver: server.state === 'ended',
    };
    hadEnded = ended();
    if (ending === 'cut') tunnels.close();
    else if (ending === 'draining') tunnels.drain(0, 0);
    else {
      if (ending === 'route_not_found') verdict = 'gone';
      else verdict = ending === 'token_expired' ? rejections.expired : rejections.revoked;
      version += 1;
      await time.pass(200);
    }
  };
  for (let step = 0; tunnels.size > 0; step += 1) {
    if (step === script.endStep && script.ending !== undefined && before === undefined) {
      await end(script.ending);
      continue;
    }
    const acts = possible(random, script, server, client);
    if (acts.length > 0) random.pick(acts)();
    else if (server.blocked || client.blocked) [server, client].find(({ blocked }) => blocked)?.drain();
    else if (script.ending !== undefined && before === undefined) await end(script.ending);
    else break;
    // A receiver that takes nothing keeps its sender back.
    if (tunnels.size === 0) break;
    if (client.blocked)
      assert.equal(server.inlet.paused, true, 'the server is read for a client that is full');
    if (server.blocked)
      assert.equal(client.inlet.paused, true, 'the client is read for a server that is full');
  }
  if (before !== undefined) await time.pass(1_000);
  const none = { endedAt: undefined, serverHad: 0, serverWasOver: false, clientWasOver: false };
  if (tunnels.size === 0) assert.equal(time.armed > 1, false, 'timers are left');
  return { ...none, ...before, server, client, endedBy, hasLeft: ended() > hadEnded };
}

/** What may happen next. A side that is paused may still have read something. */
function possible(random: Random, script: Script, server: PlayedSide, client: PlayedSide): (() => void)[] {
  const acts: (() => void)[] = [];
  for (const side of [server, client]) {
    const { isEmpty, peerEnded, blocked, inlet } = side;
    const ends = side === server ? script.serverEnds : script.clientEnds;
    const mayRead = !inlet.paused || random.below(8) === 0;
    if (!isEmpty && mayRead) acts.push(() => side.send(1 + random.below(script.read)));
    else if (isEmpty && ends && !peerEnded && script.resets) acts.push(() => side.sendReset());
    else if (isEmpty && ends && !peerEnded && !inlet.paused) acts.push(() => side.sendEnd());
    if (blocked) acts.push(() => side.drain());
  }
  return acts;
}
