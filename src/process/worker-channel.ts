import { type ChildProcess, fork } from 'node:child_process';
import { StartError } from '../lib/start-error.ts';
import type { Charges } from '../limits/rate-limit.ts';
import type { ServerEvent } from '../upstream/server-report.ts';
import type { ToSupervisor, ToWorker, WorkerReport } from './messages.ts';

/** Milliseconds between two pings. */
const PING_MS = 1_000;

type WithId = Extract<ToWorker, { readonly id: number }>;
/** Each type of a union, without one of its properties. */
type Without<Message, Key extends PropertyKey> = Message extends unknown ? Omit<Message, Key> : never;
export type Question = Without<WithId, 'id'>;
export type Statement = Exclude<ToWorker, { readonly id: number }>;

/** How a worker ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerEvents {
  readonly hello: (protocol: number, version: string) => void;
  readonly refetch: (issuer: string) => void;
  readonly leaving: (why: string) => void;
  readonly want: (limit: string, wanted: number) => void;
  readonly server: (event: ServerEvent) => void;
  readonly charge: (charges: readonly Charges[]) => void;
  readonly report: (report: WorkerReport) => void;
}

interface Waiting {
  readonly resolve: (message: ToSupervisor) => void;
  readonly reject: (error: Error) => void;
}

/** The worker ended before it responded. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
}

/** A worker process and the messages to and from it. */
export class WorkerChannel {
  readonly pid: number;
  /** Resolves when the process has ended. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Exchanges that the worker cut when it closed. */
  cut = 0;
  /** The supervisor killed it. */
  wasKilled = false;
  readonly #process: ChildProcess;
  readonly #events: WorkerEvents;
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;
  #gone = false;
  /** Pings since its last message. */
  #unanswered = 0;
  #pinging = false;
  #pings: NodeJS.Timeout | undefined;

  constructor(program: string, env: NodeJS.ProcessEnv, events: WorkerEvents) {
    this.#events = events;
    this.#process = fork(program, ['listener'], { env, serialization: 'advanced', stdio: 'inherit' });
    this.pid = this.#process.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#gone = true;
        clearInterval(this.#pings);
        for (const { reject } of this.#waiting.values())
          reject(new WorkerEnded('the listener process ended'));
        this.#waiting.clear();
        resolve({ code, signal });
      };
      this.#process.once('exit', end);
      // A process that could not be started has no exit.
      this.#process.once('error', () => end(null, null));
    });
    this.#process.on('message', (message) => this.#receive(message as ToSupervisor));
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Seconds since its last message, counted while this process ran; one or two are usual. */
  get silentSeconds(): number {
    return (this.#unanswered * PING_MS) / 1000;
  }

  /** Has no effect when the worker has ended; see `ended`. */
  send(message: Statement): void {
    this.#send(message);
  }

  /** Resolves with the response. Rejects with a StartError when the worker refuses, with WorkerEnded when it ends first. */
  async ask(question: Question): Promise<ToSupervisor> {
    this.#ids += 1;
    const id = this.#ids;
    if (this.#gone) throw new WorkerEnded('the listener process has ended');
    const response = new Promise<ToSupervisor>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#send({ ...question, id } as ToWorker);
    return await response;
  }

  /** Sends a ping every second; see `silentSeconds`. */
  watch(): void {
    this.#pings = setInterval(() => {
      this.#unanswered += 1;
      if (this.#pinging) return;
      this.#pinging = true;
      const done = (): void => {
        this.#pinging = false;
      };
      this.ask({ kind: 'ping' }).then(done, done); // `ended` reports the end.
    }, PING_MS);
  }

  kill(signal: NodeJS.Signals): void {
    this.wasKilled = true;
    this.#process.kill(signal);
  }

  #send(message: ToWorker): void {
    if (this.#gone || !this.#process.connected) return;
    // The channel breaks when the process ends, which `ended` reports.
    this.#process.send(message, () => {});
  }

  #receive(message: ToSupervisor): void {
    this.#unanswered = 0;
    switch (message.kind) {
      case 'hello':
        this.#events.hello(message.protocol, message.version);
        return;
      case 'refetch':
        this.#events.refetch(message.issuer);
        return;
      case 'leaving':
        this.#events.leaving(message.why);
        return;
      case 'want':
        this.#events.want(message.limit, message.wanted);
        return;
      case 'server':
        this.#events.server(message.event);
        return;
      case 'charge':
        this.#events.charge(message.charges);
        return;
      case 'closed':
        this.cut = message.cut;
        this.#events.report(message.report);
        return;
      case 'report':
        this.#events.report(message.report);
        this.#settle(message.id, message);
        return;
      case 'refused':
        this.#take(message.id)?.reject(new StartError(message.why));
        return;
      case 'lowered':
      case 'done':
        this.#settle(message.id, message);
    }
  }

  #settle(id: number, message: ToSupervisor): void {
    this.#take(id)?.resolve(message);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** Whether an error only says that a worker ended. */
export function isWorkerEnd(error: unknown): boolean {
  return error instanceof WorkerEnded;
}
