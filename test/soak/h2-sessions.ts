import type { Certificates } from './certificates.ts';
import type { Connection } from './connection.ts';
import { H2Session } from './h2-session.ts';
import { type Judgement, placeOf } from './judgement.ts';

export interface SessionsOptions {
  readonly name: string;
  readonly port: number;
  readonly judgement: Judgement;
  /** All open ones. */
  readonly connections: Set<Connection>;
  readonly certificates: Certificates;
}

/** The session that some clients share, and its successors. */
export class H2Sessions {
  readonly #options: SessionsOptions;
  #current: Promise<H2Session> | undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** One that takes requests, or that could not be opened. */
  async open(): Promise<H2Session> {
    for (;;) {
      const opening = this.#current;
      if (opening === undefined) {
        this.#current = this.#connect();
        continue;
      }
      const session = await opening;
      if (session.takesRequests) return session;
      if (this.#current === opening) {
        this.#current = undefined;
        if (session.isGreeted) this.#judge(session);
      }
      if (!session.isGreeted) return session;
    }
  }

  /** Clients change to a new one. */
  leave(): void {
    void this.#current?.then((session) => session.leave());
    this.#current = undefined;
  }

  /** A session that does not carry a request any more. */
  #judge(session: H2Session): void {
    const { judgement } = this.#options;
    const { closedBy, isDoomed, askedToLeaveAt, openedAt } = session;
    if (closedBy === 'the client' || isDoomed) return;
    const place = placeOf(this.#options.name, session);
    if (askedToLeaveAt === undefined)
      judgement.blameConnection(`closed by ${closedBy} without GOAWAY`, place);
    else if (!judgement.excuses.mayClose(openedAt, askedToLeaveAt)) {
      judgement.blameConnection('GOAWAY, and no listener is replaced', place);
    }
  }

  async #connect(): Promise<H2Session> {
    const { port, connections, judgement, certificates, name } = this.#options;
    const since = performance.now();
    const session = await H2Session.open(port, connections);
    const fault = certificates.faultOf(session.certificate, since);
    if (fault !== undefined) judgement.blameConnection(fault, placeOf(name, session));
    return session;
  }
}
