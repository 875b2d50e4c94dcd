import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIENCE, ISSUER } from './tokens.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const LISTENERS = 2;
const SECRET = 'r'.repeat(32);
/** Milliseconds for anything that the gateway is asked to do. */
const PATIENCE_MS = 60_000;

export interface Status {
  readonly listeners: readonly { readonly pid: number; readonly state: string }[];
  readonly keySets: readonly { readonly kids: readonly string[] }[];
}

/** `portcullis start` under soak, with its log in a file. */
export class SoakGateway {
  readonly logFile: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #world: { readonly jwks: string; readonly upstream: string };
  #log = '';
  port = 0;
  #adminPort = 0;

  private constructor(world: { readonly jwks: string; readonly upstream: string }) {
    this.#world = world;
    this.#folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'));
    this.logFile = join(this.#folder, 'log');
    this.configure(0);
    const file = join(this.#folder, 'portcullis.yaml');
    this.#child = spawn(process.execPath, [main, 'start', '--config', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#exited = once(this.#child, 'exit').then(([code]) => code as number | null);
    const log = createWriteStream(this.logFile);
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      log.write(bytes);
      this.#log += bytes.toString();
    });
  }

  static async start(world: { readonly jwks: string; readonly upstream: string }): Promise<SoakGateway> {
    const gateway = new SoakGateway(world);
    const text = await gateway.logged(/"message":"ready"/);
    const ports = Array.from(text.matchAll(/"address":"127\.0\.0\.1:(\d+)"/g), ([, port]) =>
      Number(port),
    );
    [gateway.port = 0, gateway.#adminPort = 0] = ports;
    return gateway;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Writes the configuration of one version: routes and upstream have other names in each. */
  configure(version: number): void {
    const { jwks, upstream } = this.#world;
    const name = `app${version % 3}`;
    const forward = { headers: { 'X-User-Id': 'sub' } };
    const route = (path: string, more: object = {}): object => ({
      match: { path },
      auth: 'main',
      upstream: name,
      forward,
      ...more,
    });
    const config = {
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      listeners: LISTENERS,
      verifiers: 1,
      issuers: {
        main: {
          issuer: ISSUER,
          audience: AUDIENCE,
          algorithms: ['RS256'],
          keys: { jwks, refreshMin: '1m', unknownKidGap: '5s' },
          clockTolerance: `${version % 2}s`,
        },
      },
      upstreams: {
        [name]: { servers: [upstream], timeouts: { connect: '2s', idle: '5s' }, limits: { connections: 64 } },
      },
      routes: [
        route('/'),
        route('/scoped', { require: { scopes: ['never'] } }),
        ...Array.from({ length: 1 + (version % 5) }, (_, at) => route(`/more${at}`)),
      ],
      // Soon full, so that its memory is no growth.
      cache: { entries: 1000 },
      revocation: { secret: SECRET, tokenLife: '25h' },
      state: join(this.#folder, 'state'),
      shutdown: { grace: '10s' },
    };
    writeFileSync(join(this.#folder, 'portcullis.yaml'), JSON.stringify(config));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for what it leads to. */
  async told(signal: NodeJS.Signals, pattern: RegExp): Promise<void> {
    this.#log = '';
    this.signal(signal);
    await this.logged(pattern);
  }

  /** What it has logged since it was last asked, once that matches. */
  async logged(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!pattern.test(this.#log)) {
      if (this.#child.exitCode !== null) throw new Error(`the gateway ended with ${this.#child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`the gateway does not log ${pattern}: ${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const text = this.#log;
    this.#log = '';
    return text;
  }

  async status(): Promise<Status> {
    return (await (await fetch(`http://127.0.0.1:${this.#adminPort}/status`)).json()) as Status;
  }

  async until(wanted: (status: Status) => boolean): Promise<Status> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.status();
      if (wanted(status)) return status;
      if (performance.now() > deadline) throw new Error(`the gateway stays at ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Requests that all listeners have counted. */
  async requests(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`)).text();
    return Array.from(text.matchAll(/^portcullis_requests_total\{.*\} (\d+)$/gm), ([, count]) =>
      Number(count),
    ).reduce((sum, count) => sum + count, 0);
  }

  async revoke(jti: string): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jti }),
    });
    await answer.text();
    if (!answer.ok) throw new Error(`a revocation was answered with ${answer.status}`);
  }

  /** @returns the exit code of an orderly end. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return await this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** For a soak that found nothing. */
  clean(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
