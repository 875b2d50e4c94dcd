import type { Connection } from './connection.ts';
import type { Came } from './exchange.ts';
import type { Excuses } from './excuses.ts';
import type { Expected } from './expected.ts';
import { faultOf, isBeginning, saysClose } from './judge.ts';
import type { Count, Ledger } from './ledger.ts';
import type { SoakRequest } from './request.ts';

/** Notes each outcome of a request: right, explained, or unexplained. */
export class Judgement {
  readonly excuses: Excuses;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, excuses: Excuses) {
    this.#ledger = ledger;
    this.excuses = excuses;
  }

  /** @param place where in the soak it happened, for a report. */
  judge(request: SoakRequest, came: Came, connection: Connection, place: string): void {
    const rights = request.right(came.from, came.to);
    const faults = rights.map((right) => faultOf(came, right));
    const found = rights[faults.indexOf(undefined)];
    if (found !== undefined) {
      const mayClose = found.closes || request.closes || this.excuses.mayClose(connection.openedAt, came.to);
      if (saysClose(came) && !mayClose) {
        this.blame(request, came, place, 'it is asked to leave, and no listener is replaced');
        return;
      }
      const what = found.outcome === undefined ? undefined : { outcomes: [found.outcome], isCertain: true };
      this.#ledger.note(request.kind, 'right', what);
      return;
    }
    if (came.end === 'left') {
      const possible = [...rights, ...this.excuses.ofLeaver(came, rights)];
      if (possible.some((one) => isBeginning(came, one))) {
        const wasCut = this.excuses.mayHaveEnded(connection.openedAt, came.to);
        this.#ledger.note(request.kind, 'left', countOfLeaver(came, possible, wasCut));
        return;
      }
    }
    const excuse = this.excuses.excuse(came, connection, rights);
    if (excuse !== undefined) this.#ledger.note(request.kind, excuse.why, excuse);
    else this.blame(request, came, place, [...new Set(faults)].join(', or '));
  }

  blame({ kind, head }: SoakRequest, came: Came, place: string, why: string): void {
    const { report = '', closedBy } = came;
    const by = closedBy === undefined ? '' : ` by ${closedBy}`;
    const [line] = head.split('\r\n');
    const took = `${(came.to - came.from).toFixed(0)} ms`;
    this.#ledger.blame(kind, `${line}, ${took}, ended ${came.end}${by}, ${place}: ${why}${report}`);
  }

  /** Something is wrong with a connection between two requests. */
  blameConnection(what: string, place: string): void {
    this.#ledger.blame('connection', `${what}, ${place}`);
  }
}

/** @param wasCut its listener may have cut it at the end of its grace, before the client left. */
function countOfLeaver(
  { wasAsked, reader }: Came,
  possible: readonly Expected[],
  wasCut: boolean,
): Count | undefined {
  if (!wasAsked) return undefined;
  const outcomes = [...possible.map(({ outcome }) => outcome ?? 'none'), 'client_aborted'];
  if (wasCut) outcomes.push('draining');
  return { outcomes, isCertain: reader.received > 0 };
}

/** @param who a client and the number of its request. */
export function placeOf(who: string, { port, exchanges, previous, openedAt }: Connection): string {
  const age = `${((performance.now() - openedAt) / 1000).toFixed(1)} s`;
  return `${who}, ${exchanges}. after ${previous} on port ${port}, which is ${age} old`;
}
