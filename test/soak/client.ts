import type { Chance } from './chance.ts';
import type { ClientSocket } from './client-socket.ts';
import { type Came, exchange } from './exchange.ts';
import { saysClose } from './judge.ts';
import { placeOf } from './judgement.ts';
import { type JudgedOptions, openJudged } from './open-judged.ts';
import type { SoakRequest } from './request.ts';
import { soakedEngine } from './soaked.ts';

export interface ClientOptions extends JudgedOptions {
  readonly number: number;
  readonly chance: Chance;
}

/** A client changes to a new connection once in that many requests. */
const NEW_CONNECTION = 20;
/** Bytes without a request that are shown. */
const SHOWN = 100;

/** A client of the gateway with at most one connection, which judges every response. */
export class SoakClient {
  readonly #options: ClientOptions;
  #socket: ClientSocket | undefined;
  #sent = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Leaves its connection. */
  close(): void {
    this.#socket?.leave();
    this.#socket = undefined;
  }

  async send(request: SoakRequest): Promise<void> {
    const { judgement, chance } = this.#options;
    this.#sent += 1;
    const socket = await this.#connected();
    const came = await exchange(socket, request, this.#options.reportHang);
    const place = this.#place(socket);
    judgement.judge(request, came, socket, place);
    const isLeaving = saysClose(came) || request.closes;
    if (came.end === 'whole' && isLeaving && isClosedByEngine(request, came) && !(await socket.isLeft())) {
      judgement.blame(request, came, place, 'the connection was to end, and is still open after 5 s');
    }
    const surplus = socket.takeSurplus().toString('latin1', 0, SHOWN);
    if (surplus !== '') judgement.blame(request, came, place, `bytes without a request: ${surplus}`);
    // A connection that was cut is no idle one that has ended.
    if (isLeaving || came.end === 'cut' || chance.once(NEW_CONNECTION)) this.close();
  }

  async #connected(): Promise<ClientSocket> {
    const { judgement } = this.#options;
    const old = this.#socket;
    if (old?.closedBy === undefined && old !== undefined) return old;
    if (old !== undefined && old.closedBy !== 'the client' && !old.isDoomed) {
      // An idle connection has ended; a replaced worker waits no longer than its grace.
      if (!judgement.excuses.mayHaveEnded(old.openedAt, performance.now())) {
        judgement.blameConnection(`closed by ${old.closedBy} while it was idle`, this.#place(old));
      }
    }
    const socket = await openJudged(this.#options, (one) => this.#place(one));
    this.#socket = socket;
    return socket;
  }

  #place(socket: ClientSocket): string {
    return placeOf(`request ${this.#sent} of client ${this.#options.number}`, socket);
  }
}

/**
 * The engine cannot close after a response in pieces, so there the gateway only announces it, in lower case, and reads
 * no more; the engine closes if the client has asked for it.
 */
function isClosedByEngine({ closes, method }: SoakRequest, { reader }: Came): boolean {
  return (
    soakedEngine === 'node' ||
    closes ||
    method === 'HEAD' ||
    reader.head?.includes('\r\nConnection: close') === true
  );
}
