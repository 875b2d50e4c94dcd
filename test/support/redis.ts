import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../bench/probe.ts';
import { findProgram } from '../../bench/programs.ts';

/** A real Redis on its own port, which keeps nothing on disk; it can be stopped and started on that port. */
export class TestRedis {
  readonly port: number;
  readonly #more: (port: number) => readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, more: (port: number) => readonly string[]) {
    this.port = port;
    this.#more = more;
  }

  /** @param more options of `redis-server`; a later one wins. */
  static async start(more: (port: number) => readonly string[] = () => []): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), more);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const options = [...own, ...this.#more(this.port)];
    const program = findProgram('redis-server');
    if (program === undefined) throw new Error('redis-server is missing: apt-get install -y redis-server');
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    let log = '';
    for await (const piece of child.stdout) {
      log += String(piece);
      if (log.includes('Ready to accept connections')) break;
    }
    if (!log.includes('Ready to accept connections')) throw new Error(`redis-server did not start: ${log}`);
    child.stdout.resume();
  }

  /** Loses all its data. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
