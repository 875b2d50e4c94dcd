import { bytesOf } from './bytes.ts';
import type { Chance } from './chance.ts';
import type { ClientSocket } from './client-socket.ts';
import { TUNNEL_PATH } from './config.ts';
import { placeOf } from './judgement.ts';
import type { Ledger } from './ledger.ts';
import { type JudgedOptions, openJudged } from './open-judged.ts';
import type { Token, Tokens } from './tokens.ts';
import { type Found, judgeEnd, judgeOpening, overdue } from './tunnel-judge.ts';
import { TunnelSession } from './tunnel-session.ts';
import type { TunnelTally } from './tunnel-tally.ts';
import { BINARY, CLOSE, type Frame, PING, TEXT } from './websocket-frames.ts';

export interface TunnelOptions extends JudgedOptions {
  readonly number: number;
  readonly chance: Chance;
  readonly tokens: Tokens;
  readonly ledger: Ledger;
  readonly tally: TunnelTally;
  /** Of all tunnels together, which decides how often each does something. */
  readonly tunnels: number;
}

/** One tunnel in that many has a token that ends soon. */
const SHORT = 5;
/** Milliseconds until the next frame, at most: what one tunnel waits, and for each of all of them. */
const REST_MS = 500;
const REST_EACH_MS = 7;
/** The same for the life of a tunnel. */
const LIFE_MS = 10_000;
const LIFE_EACH_MS = 20;
/** The same before another one is opened: so that some hundred come in a second after an end of them all. */
const REOPEN_MS = 1_000;
const REOPEN_EACH_MS = 4;
/** Milliseconds for a Close frame to come back. */
const CLOSE_MS = 30_000;
/** Bytes of most payloads, and of one in that many. */
const SMALL = 100;
const LARGE = 70_000;
const LARGE_ONCE = 50;

/** A client that has one WebSocket after another, and judges how each opens, what it carries, and how it ends. */
export class TunnelClient {
  readonly #options: TunnelOptions;
  #opened = 0;
  #over = false;
  #wake: () => void = () => {};

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** Lives until `stop`. */
  async live(): Promise<void> {
    const { chance, tunnels } = this.#options;
    this.#over = false;
    while (!this.#over) {
      await this.#rest(chance.below(REOPEN_MS + REOPEN_EACH_MS * tunnels));
      if (!this.#over) await this.#tunnel();
    }
  }

  stop(): void {
    this.#over = true;
    this.#wake();
  }

  async #tunnel(): Promise<void> {
    const { chance, tokens, ledger, tally, judgement } = this.#options;
    const { excuses } = judgement;
    this.#opened += 1;
    const token = chance.once(SHORT) ? tokens.short(chance) : tokens.known(chance);
    const socket = await openJudged(this.#options, (one) => this.#place(one));
    const session = new TunnelSession(socket);
    const opening = await session.open(`${TUNNEL_PATH}/${chance.below(1e9)}`, token.text, token.sub);
    if (opening.status !== 101) {
      const found = judgeOpening(opening, token, socket, excuses, performance.now());
      this.#note('websocket', found, socket, opening.reason);
      socket.leave();
      return;
    }
    ledger.note('websocket', 'open', { outcomes: ['upgraded'], isCertain: true });
    tally.open += 1;
    const late = await this.#use(session, token);
    tally.open -= 1;
    const [endedAt, endedOn] = [performance.now(), Date.now()];
    const { closedBy, isDoomed, openedAt } = socket;
    const life = { session, token, closedBy, isDoomed, openedAt, endedAt, endedOn };
    const found = late === undefined ? judgeEnd(life, excuses) : { fault: late };
    this.#note('end of a websocket', found, socket);
    const isExpiry = 'what' in found && session.close?.reason === 'token_expired';
    if (isExpiry) tally.noteExpiry(endedOn - (token.expires ?? 0) * 1000);
    // The gateway ends the connection behind its Close frame, and upstream behind its own.
    if (session.close !== undefined && !(await socket.isLeft())) {
      judgement.blameConnection('open 5 s after its Close frame', this.#place(socket));
    }
    socket.leave();
  }

  /** Sends frames until one side ends it. Returns why it should not be open any more, if so. */
  async #use(session: TunnelSession, token: Token): Promise<string | undefined> {
    const { chance, tunnels } = this.#options;
    const until = performance.now() + chance.below(LIFE_MS + LIFE_EACH_MS * tunnels);
    session.onEnd(() => this.#wake());
    while (!session.isOver) {
      await this.#rest(chance.below(REST_MS + REST_EACH_MS * tunnels), session);
      if (session.isOver) break;
      const now = performance.now();
      const late = overdue(session, token, now);
      if (late !== undefined) return late;
      if (this.#over || now > until) await this.#end(session);
      else for (const frame of this.#frames()) session.send(frame);
    }
    return undefined;
  }

  /** Leaves at once, or with a Close frame that comes back. */
  async #end(session: TunnelSession): Promise<void> {
    const { chance } = this.#options;
    if (!this.#over && chance.once(2)) {
      session.socket.leave(chance.once(2));
      return;
    }
    session.send({ first: CLOSE, payload: Buffer.of(3, 232) });
    const late = setTimeout(() => {
      session.fault = `nothing comes back for a Close within ${CLOSE_MS} ms`;
      session.socket.leave();
    }, CLOSE_MS);
    await new Promise<void>((resolve) => session.onEnd(resolve));
    clearTimeout(late);
  }

  /** A message, whole or in fragments with a ping between them; or a ping. */
  #frames(): readonly Frame[] {
    const { chance } = this.#options;
    const size = chance.once(LARGE_ONCE) ? chance.below(LARGE) : chance.below(SMALL);
    const payload = bytesOf(chance.below(2 ** 32), size);
    const ping = { first: PING, payload: Buffer.from(`${chance.below(1e9)}`) };
    if (chance.once(6)) return [ping];
    if (!chance.once(6)) return [{ first: chance.of([TEXT, BINARY]), payload }];
    const half = payload.length >> 1;
    return [
      { first: 2, payload: payload.subarray(0, half) },
      ping,
      { first: 0x80, payload: payload.subarray(half) },
    ];
  }

  /** @param reason of a refusal, which the gateway counts. */
  #note(kind: string, found: Found, socket: ClientSocket, reason?: string): void {
    const { ledger, judgement } = this.#options;
    if ('fault' in found) judgement.blameConnection(`${kind}: ${found.fault}`, this.#place(socket));
    else if (kind !== 'websocket') ledger.note(kind, found.what, undefined);
    else {
      const outcomes = reason === undefined ? ['client_aborted', 'upgraded'] : [reason];
      ledger.note(kind, found.what, { outcomes, isCertain: reason !== undefined });
    }
  }

  /** Up to that long; shorter when the run or the session ends. */
  async #rest(ms: number, session?: TunnelSession): Promise<void> {
    if (this.#over || session?.isOver === true) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #place(socket: ClientSocket): string {
    return placeOf(`tunnel ${this.#opened} of client ${this.#options.number}`, socket);
  }
}
