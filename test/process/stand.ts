import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, run, type Started, type Surroundings, start } from '../cli/program.ts';
import { testEngine } from '../support/engine.ts';

/** Milliseconds within which an expected event must come. */
const EVENTUALLY_MS = 60_000;
/** Milliseconds after which a stopped gateway is killed, beyond its grace for requests in flight. */
const STOP_MS = 90_000;

export interface WorkerStatus {
  readonly pid: number;
  readonly state: string;
  readonly connections: number;
}

export interface Status {
  readonly addresses: readonly string[];
  readonly listeners: readonly WorkerStatus[];
}

/** An upstream that sends its name and the path, and holds responses to `/held` until they are released. */
export class NamedUpstream {
  readonly name: string;
  readonly #server: Server;
  readonly #held = new Set<ServerResponse>();

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => {
      if (request.url !== '/held') {
        response.end(`${name} ${request.url}`);
        return;
      }
      response.writeHead(200, { 'Content-Length': 9 });
      response.write('held');
      this.#held.add(response);
    });
  }

  static async start(name: string): Promise<NamedUpstream> {
    const upstream = new NamedUpstream(name);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Responses that are half sent. */
  get held(): number {
    return this.#held.size;
  }

  letGo(): void {
    for (const response of this.#held) response.end(' back');
    this.#held.clear();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** `portcullis start` with a test's configuration, on free ports, in its own process group. */
export class Stand {
  readonly program: Started;
  readonly port: number;
  readonly adminPort: number;
  readonly #folder: string;
  /** Those for the admin address, if it has a secret. */
  readonly #headers: Readonly<Record<string, string>>;
  /** Even if the test fails, none of the processes outlives it. */
  readonly #atExit = (): void => void this.#kill();

  private constructor(
    program: Started,
    folder: string,
    ports: readonly number[],
    secret: string | undefined,
  ) {
    this.program = program;
    [this.port = 0, this.adminPort = 0] = ports;
    this.#headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    this.#folder = folder;
    process.once('exit', this.#atExit);
  }

  /** @param config without `listen` and `admin`, unless they are not to be any free port. */
  static async start(
    config: object,
    surroundings?: Surroundings,
    args: readonly string[] = [],
  ): Promise<Stand> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    write(folder, config);
    const program = start(['start', '--config', join(folder, 'portcullis.yaml'), ...args], {
      ...surroundings,
      detached: true,
    });
    try {
      const text = await program.printed(/"message":"serving"/);
      const ports = Array.from(text.matchAll(/"address":"127\.0\.0\.1:(\d+)"/g), ([, digits]) =>
        Number(digits),
      );
      const { admin } = config as { readonly admin?: { readonly secret?: string } };
      return new Stand(program, folder, ports, admin?.secret);
    } catch (error) {
      if (program.child.pid !== undefined) signalGroup(program.child.pid, 'SIGKILL');
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** A start that must fail. */
  static async refused(config: object, surroundings?: Surroundings): Promise<Ended> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    write(folder, config);
    try {
      return await run(['start', '--config', join(folder, 'portcullis.yaml')], surroundings);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  get pid(): number {
    return this.program.child.pid as number;
  }

  write(config: object): void {
    write(this.#folder, config);
  }

  writeText(text: string): void {
    writeFileSync(join(this.#folder, 'portcullis.yaml'), text);
  }

  async status(): Promise<Status> {
    return (await (await this.admin('/status')).json()) as Status;
  }

  /** A reply of the admin address, to a POST if there is a body. */
  admin(path: string, body?: object): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, {
      headers: this.#headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }

  /** The status of `/readyz`, and its reasons. */
  async ready(): Promise<readonly [status: number, text: string]> {
    const reply = await fetch(`http://127.0.0.1:${this.adminPort}/readyz`);
    return [reply.status, await reply.text()];
  }

  /** Everything in the log so far. */
  log(): Promise<string> {
    return this.program.printed(/^/);
  }

  /** Waits until that many workers serve, none of which is one of these; their pids. */
  replaced(before: readonly number[], count = 2): Promise<readonly number[]> {
    return until(
      () => this.pids(),
      (pids) => pids.length === count && !pids.some((pid) => before.includes(pid)),
    );
  }

  /** Pids of the workers that serve. */
  async pids(): Promise<readonly number[]> {
    const { listeners } = await this.status();
    return listeners.filter(({ state }) => state === 'serving').map(({ pid }) => pid);
  }

  /** The value of a metric without labels, or the sum over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await this.admin('/metrics')).text();
    return Array.from(text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm')), ([, value]) =>
      Number(value),
    ).reduce((sum, value) => sum + value, 0);
  }

  signal(name: NodeJS.Signals): void {
    this.program.child.kill(name);
  }

  /** Sends a signal and waits for one more line with this message. */
  async told(name: NodeJS.Signals, message: string): Promise<void> {
    const lines = new RegExp(`"message":"${message}`, 'g');
    const before = (await this.log()).match(lines)?.length ?? 0;
    this.signal(name);
    await this.program.printed(new RegExp(`(?:"message":"${message}[\\s\\S]*){${before + 1}}`));
  }

  /** Resolves when all its processes have ended; rejects when one has not. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    const late = setTimeout(() => this.#kill(), STOP_MS);
    const ended = await this.program.ended;
    clearTimeout(late);
    rmSync(this.#folder, { recursive: true, force: true });
    const left = this.#kill();
    process.off('exit', this.#atExit);
    if (left) throw new Error(`processes were left behind: ${ended.stdout}${ended.stderr}`);
    return ended;
  }

  /** @returns whether there was any process to kill. */
  #kill(): boolean {
    return signalGroup(this.pid, 'SIGKILL');
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false; // None is left.
  }
}

/** An environment in which a module runs first in every worker process of a gateway. */
export function inWorkers(code: string): Surroundings {
  const module = `import { isMainThread } from 'node:worker_threads';
    import { existsSync } from 'node:fs';
    if (isMainThread && process.argv[2] === 'listener') { ${code} }`;
  return { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}` } };
}

/** An address for the file, served by the engine under test. */
export function listenOn(address: string): object {
  return { address, engine: testEngine };
}

function write(folder: string, config: object): void {
  const all = { listen: [listenOn('127.0.0.1:0')], admin: '127.0.0.1:0', listeners: 2, ...config };
  writeFileSync(join(folder, 'portcullis.yaml'), JSON.stringify(all));
}

/** Polls until `wanted` holds. */
export async function until<T>(probe: () => T | Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + EVENTUALLY_MS;
  for (;;) {
    const seen = await probe();
    if (wanted(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`it stayed at ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process lives; a process that has ended and was not waited for does not. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
