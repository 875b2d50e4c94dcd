import type { Chance } from './chance.ts';
import { exchangeOverH2, fieldsOf } from './h2-exchange.ts';
import type { H2Session } from './h2-session.ts';
import type { H2Sessions } from './h2-sessions.ts';
import type { HangReport } from './hang-report.ts';
import { type Judgement, placeOf } from './judgement.ts';
import type { SoakRequest } from './request.ts';

export interface H2ClientOptions {
  readonly number: number;
  readonly sessions: H2Sessions;
  readonly judgement: Judgement;
  readonly chance: Chance;
  readonly reportHang: HangReport;
}

/** A client has its session replaced once in that many requests. */
const NEW_SESSION = 80;

/** A client that sends its requests by the session that it shares, one at a time. */
export class H2Client {
  readonly #options: H2ClientOptions;
  #sent = 0;

  constructor(options: H2ClientOptions) {
    this.#options = options;
  }

  close(): void {
    this.#options.sessions.leave();
  }

  /** Sends nothing where HTTP/2 cannot express the request. */
  async send(request: SoakRequest): Promise<void> {
    const fields = fieldsOf(request);
    if (fields === undefined) return;
    const { sessions, judgement, chance, number } = this.#options;
    this.#sent += 1;
    const session = await this.#session();
    const came = await exchangeOverH2(session, fields, request, this.#options.reportHang);
    judgement.judge(
      request,
      came,
      session.socket,
      placeOf(`request ${this.#sent} of client ${number} by HTTP/2`, session.socket),
    );
    if (chance.once(NEW_SESSION)) sessions.leave();
  }

  /** Another client may have left the session since it was handed over. */
  async #session(): Promise<H2Session> {
    for (;;) {
      const session = await this.#options.sessions.open();
      if (session.takesRequests || !session.socket.isGreeted) return session;
    }
  }
}
