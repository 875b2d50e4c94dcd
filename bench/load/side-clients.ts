import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';

export interface SidePlan {
  readonly port: number;
  /** Of the requests of the connections, in turn. */
  readonly tokenFile: string;
  readonly connections: number;
}

export interface SideState {
  /** Connections that are open. */
  readonly open: number;
}

/** Clients in a process of their own, which stay beside a load: one of the scripts in this folder. */
export class SideClients<State extends SideState> {
  readonly #subprocess: Subprocess;

  private constructor(subprocess: Subprocess) {
    this.#subprocess = subprocess;
  }

  /** Fails unless every connection begins as the script says. */
  static async open<State extends SideState>(
    subprocesses: Subprocesses,
    script: string,
    plan: SidePlan,
  ): Promise<SideClients<State>> {
    const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, script));
    subprocess.process.send(plan);
    await subprocess.message();
    return new SideClients(subprocess);
  }

  async state(): Promise<State> {
    const reply = this.#subprocess.message();
    this.#subprocess.process.send('state');
    return (await reply) as State;
  }

  async close(): Promise<void> {
    await this.#subprocess.stop();
  }
}
