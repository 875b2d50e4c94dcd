import { H2Session } from './h2-session.ts';
import { placeOf } from './judgement.ts';
import { type JudgedOptions, openJudged } from './open-judged.ts';

export interface SessionsOptions extends JudgedOptions {
  readonly name: string;
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
        if (session.socket.isGreeted) this.#judge(session);
      }
      if (!session.socket.isGreeted) return session;
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
    const { socket, askedToLeaveAt } = session;
    const { closedBy, isDoomed, openedAt } = socket;
    if (isDoomed) return;
    const place = placeOf(this.#options.name, socket);
    if (askedToLeaveAt === undefined) {
      if (closedBy !== 'the client') judgement.blameConnection(`closed by ${closedBy} without GOAWAY`, place);
    } else if (!judgement.excuses.mayClose(openedAt, askedToLeaveAt)) {
      judgement.blameConnection('GOAWAY, and no listener is replaced', place);
    }
  }

  async #connect(): Promise<H2Session> {
    const { judgement, name } = this.#options;
    const socket = await openJudged({ ...this.#options, protocol: 'h2' }, (one) => placeOf(name, one));
    return new H2Session(socket, (what) => judgement.blameConnection(what, placeOf(name, socket)));
  }
}
