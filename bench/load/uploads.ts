import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';

export interface UploadPlan {
  readonly port: number;
  /** Of the uploads, in turn. */
  readonly tokenFile: string;
  readonly connections: number;
}

export interface UploadState {
  /** Uploads that go on. */
  readonly open: number;
  /** Bytes that the system has taken of all of them. */
  readonly bytes: number;
  /** Monotonic milliseconds of that process. */
  readonly at: number;
}

/** Clients that upload without end, as fast as they can, in a process of their own. */
export class Uploads {
  readonly #subprocess: Subprocess;

  private constructor(subprocess: Subprocess) {
    this.#subprocess = subprocess;
  }

  static async open(subprocesses: Subprocesses, plan: UploadPlan): Promise<Uploads> {
    const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, 'upload-clients'));
    subprocess.process.send(plan);
    await subprocess.message();
    return new Uploads(subprocess);
  }

  async state(): Promise<UploadState> {
    const reply = this.#subprocess.message();
    this.#subprocess.process.send('state');
    return (await reply) as UploadState;
  }

  async close(): Promise<void> {
    await this.#subprocess.stop();
  }
}
