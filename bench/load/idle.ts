import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';

export interface IdlePlan {
  readonly port: number;
  /** The clients speak TLS. */
  readonly secure: boolean;
  /** Of the one request of each connection, in turn. */
  readonly tokenFile: string;
  readonly connections: number;
}

export interface IdleState {
  /** Connections that are open. */
  readonly open: number;
}

/** Connections by HTTP/1.1 in a process of their own. Each has had one right response, and stays silent. */
export class IdleClients {
  readonly #subprocess: Subprocess;

  private constructor(subprocess: Subprocess) {
    this.#subprocess = subprocess;
  }

  /** Fails unless every connection gets its response. */
  static async open(subprocesses: Subprocesses, plan: IdlePlan): Promise<IdleClients> {
    const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, 'idle-clients'));
    subprocess.process.send(plan);
    await subprocess.message();
    return new IdleClients(subprocess);
  }

  /** How many connections are still open. */
  async count(): Promise<number> {
    const reply = this.#subprocess.message();
    this.#subprocess.process.send('count');
    return ((await reply) as IdleState).open;
  }

  async close(): Promise<void> {
    await this.#subprocess.stop();
  }
}
