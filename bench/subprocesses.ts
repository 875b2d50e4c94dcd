import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Placement, Side } from './placement.ts';

/** Milliseconds for a subprocess to end by itself after SIGTERM; a benchmark has nothing worth waiting for. */
const STOP_GRACE_MS = 3_000;
/** Characters of error output kept for the report of a failure. */
const OUTPUT_KEPT = 4_096;

/** One subprocess with its last output. */
export class Subprocess {
  readonly process: ChildProcess;
  readonly command: string;
  #output = '';

  constructor(process: ChildProcess, command: string) {
    this.process = process;
    this.command = command;
    // A process that cannot start reports only through 'error'; the waiters below look at `exited`.
    process.on('error', (error) => {
      this.#keep(error.message);
    });
    process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.command} did not start: ${this.#output}`);
    return this.process.pid;
  }

  get exited(): boolean {
    return (
      this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null
    );
  }

  /** The last of its error output, for the report of a failure. */
  get output(): string {
    return this.#output.trim();
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
  }

  /** The next message of a forked process; rejects when it ends without one. */
  async message(): Promise<unknown> {
    const abort = new AbortController();
    try {
      return await Promise.race([
        once(this.process, 'message', { signal: abort.signal }).then(([message]) => message as unknown),
        once(this.process, 'exit', { signal: abort.signal }).then(() => {
          throw new Error(`${this.command} ended without an answer: ${this.output}`);
        }),
      ]);
    } finally {
      abort.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.exited) return;
    const exit = once(this.process, 'exit');
    const impatience = setTimeout(() => this.process.kill('SIGKILL'), STOP_GRACE_MS);
    this.process.kill('SIGTERM');
    await exit;
    clearTimeout(impatience);
  }
}

/** Every process that the benchmark starts, so that none outlives it. */
export class Subprocesses {
  readonly #all = new Set<Subprocess>();
  readonly #placement: Placement;

  constructor(placement: Placement) {
    this.#placement = placement;
  }

  /** Runs a program; its standard output is dropped unless `stdout` asks for a pipe. */
  spawn(
    side: Side,
    program: string,
    args: readonly string[],
    stdout: 'ignore' | 'pipe' = 'ignore',
  ): Subprocess {
    const line = [...this.#placement.prefix(side), program, ...args];
    const process = spawn(line[0] as string, line.slice(1), { stdio: ['ignore', stdout, 'pipe'] });
    return this.#add(new Subprocess(process, line.join(' ')));
  }

  /** Runs one of the benchmark's own scripts with a message channel. */
  fork(
    side: Side,
    script: URL,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Subprocess {
    const path = fileURLToPath(script);
    const line = [...this.#placement.prefix(side), globalThis.process.execPath];
    const process = fork(path, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...globalThis.process.env, ...env },
      execPath: line[0] as string,
      execArgv: line.slice(1),
    });
    return this.#add(new Subprocess(process, [...line, path, ...args].join(' ')));
  }

  #add(subprocess: Subprocess): Subprocess {
    this.#all.add(subprocess);
    subprocess.process.once('exit', () => this.#all.delete(subprocess));
    return subprocess;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#all].map((subprocess) => subprocess.stop()));
  }

  /** For the end after a signal, where nothing can be awaited any more. */
  killAll(): void {
    for (const subprocess of this.#all) subprocess.process.kill('SIGKILL');
  }
}

/** A script of the benchmark next to the calling module, with the extension of that module. */
export function scriptBeside(moduleUrl: string, name: string): URL {
  const extension = moduleUrl.slice(moduleUrl.lastIndexOf('.'));
  return new URL(`./${name}${extension}`, moduleUrl);
}
