import { once } from 'node:events';
import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';
import { type Arrivals, type Mode, now, type ServerQuestion } from './messages.ts';

export interface ServerPlace {
  readonly number: number;
  readonly host: string;
  readonly port: number;
  /** Files of its good and its expired certificate, for TLS. */
  readonly certificates?: readonly [good: string, expired: string] | undefined;
}

/** One server behind a gateway, which can be broken in real ways. */
export class Server {
  readonly place: ServerPlace;
  readonly #subprocesses: Subprocesses;
  #subprocess: Subprocess | undefined;

  constructor(subprocesses: Subprocesses, place: ServerPlace) {
    this.#subprocesses = subprocesses;
    this.place = place;
  }

  async start(): Promise<void> {
    const { number, host, port, certificates = [] } = this.place;
    const script = scriptBeside(import.meta.url, 'server-process');
    this.#subprocess = this.#subprocesses.fork('load', script, [
      `${number}`,
      host,
      `${port}`,
      ...certificates,
    ]);
    await this.#subprocess.message();
  }

  /** Ends at once, with all that it has. @returns the time. */
  async kill(): Promise<number> {
    const { process } = this.#running;
    const exit = once(process, 'exit');
    const at = now();
    process.kill('SIGKILL');
    await exit;
    return at;
  }

  /** It runs no more, and the kernel keeps its connections and takes new ones. @returns the time. */
  pause(): number {
    this.#running.process.kill('SIGSTOP');
    return now();
  }

  /** @returns the time. */
  resume(): number {
    this.#running.process.kill('SIGCONT');
    return now();
  }

  /** @returns the time from which on it does this. */
  async become(mode: Mode): Promise<number> {
    return (await this.#ask({ mode })) as number;
  }

  /** The requests that have reached this process. */
  async arrivals(): Promise<Arrivals> {
    return (await this.#ask({ tell: 'arrivals' })) as Arrivals;
  }

  /** The number of the last request that has reached this process; -1 for none. */
  async last(): Promise<number> {
    return (await this.#ask({ tell: 'last' })) as number;
  }

  async end(): Promise<void> {
    await this.#subprocess?.stop();
  }

  async #ask(question: ServerQuestion): Promise<unknown> {
    const reply = this.#running.message();
    this.#running.process.send(question);
    return await reply;
  }

  get #running(): Subprocess {
    if (this.#subprocess === undefined) throw new Error('the server has not been started');
    return this.#subprocess;
  }
}
