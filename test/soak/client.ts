import type { Chance } from './chance.ts';
import { ClientSocket } from './client-socket.ts';
import { type Came, exchange } from './exchange.ts';
import type { Excuses } from './excuses.ts';
import type { Expected } from './expected.ts';
import { faultOf, isBeginning, saysClose } from './judge.ts';
import type { Ledger } from './ledger.ts';
import type { SoakRequest } from './request.ts';
import { soakedEngine } from './soaked.ts';

export interface ClientOptions {
  readonly number: number;
  readonly port: number;
  readonly ledger: Ledger;
  readonly excuses: Excuses;
  /** All open ones. */
  readonly sockets: Set<ClientSocket>;
  readonly chance: Chance;
}

/** A client changes to a new connection once in that many requests. */
const NEW_CONNECTION = 20;

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
    this.#sent += 1;
    const socket = await this.#connected(request);
    const came = await exchange(socket, request);
    this.#judge(request, came, socket);
    const isLeaving = saysClose(came) || request.closes;
    if (came.end === 'whole' && isLeaving && isClosedByEngine(request, came) && !(await socket.isLeft())) {
      this.#blame(request, came, 'the connection was to end, and is still open after 5 s');
    }
    if (socket.surplus !== '') this.#blame(request, came, `bytes without a request: ${socket.surplus}`);
    // A connection that was cut is no idle one that has ended.
    if (isLeaving || came.end === 'cut' || this.#options.chance.once(NEW_CONNECTION)) this.close();
  }

  async #connected(request: SoakRequest): Promise<ClientSocket> {
    const { port, sockets, excuses, ledger } = this.#options;
    const old = this.#socket;
    if (old?.closedBy === undefined && old !== undefined) return old;
    if (old !== undefined && old.closedBy !== 'the client' && !old.isDoomed) {
      // An idle connection has ended; a replaced worker waits no longer than its grace.
      if (!excuses.mayHaveEnded(old.openedAt, performance.now())) {
        ledger.blame(request.kind, `an idle connection was closed by ${old.closedBy}, ${this.#place(old)}`);
      }
    }
    this.#socket = await ClientSocket.open(port, sockets);
    return this.#socket;
  }

  #judge(request: SoakRequest, came: Came, socket: ClientSocket): void {
    const { ledger, excuses } = this.#options;
    const rights = request.right(came.from, came.to);
    const faults = rights.map((right) => faultOf(came, right));
    const found = rights[faults.indexOf(undefined)];
    if (found !== undefined) {
      const mayClose = found.closes || request.closes || excuses.mayClose(socket.openedAt, came.to);
      if (saysClose(came) && !mayClose) {
        this.#blame(request, came, 'it is asked to leave, and no listener is replaced');
        return;
      }
      const what = found.outcome === undefined ? undefined : { outcomes: [found.outcome], isCertain: true };
      ledger.note(request.kind, 'right', what);
      return;
    }
    if (came.end === 'left' && rights.some((right) => isBeginning(came, right))) {
      ledger.note(request.kind, 'left', this.#countOfLeaver(came, rights));
      return;
    }
    const excuse = excuses.excuse(came, socket, rights);
    if (excuse !== undefined) ledger.note(request.kind, excuse.why, excuse);
    else this.#blame(request, came, [...new Set(faults)].join(', or '));
  }

  #countOfLeaver(came: Came, rights: readonly Expected[]) {
    if (!came.wasAsked) return undefined;
    const rightOutcomes = rights.map(({ outcome }) => outcome ?? 'none');
    const outcomes = [...rightOutcomes, ...this.#options.excuses.ofLeaver(came, rights), 'client_aborted'];
    return { outcomes, isCertain: came.reader.received > 0 };
  }

  #blame({ kind, head }: SoakRequest, came: Came, why: string): void {
    const [line] = head.split('\r\n');
    const took = `${(came.to - came.from).toFixed(0)} ms`;
    const socket = this.#socket === undefined ? '' : `, ${this.#place(this.#socket)}`;
    this.#options.ledger.blame(kind, `${line}, ${took}, ended ${came.end}${socket}: ${why}`);
  }

  #place({ port, exchanges, openedAt }: ClientSocket): string {
    const age = `${((performance.now() - openedAt) / 1000).toFixed(1)} s`;
    return `request ${this.#sent} of client ${this.#options.number}, ${exchanges}. on port ${port}, which is ${age} old`;
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
