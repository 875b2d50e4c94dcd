import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, type Status, type WorkerStatus } from './admin.ts';
import { Certificates } from './certificates.ts';
import { configOf, type Places, WORKERS } from './config.ts';
import { GatewayLog } from './gateway-log.ts';
import { overTls } from './soaked.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Runs in each process before everything else. */
const probe = new URL('memory-probe.js', import.meta.url).href;
/** Milliseconds within which the gateway must do what is asked. */
const PATIENCE_MS = 60_000;
/** Milliseconds between two polls. */
const POLL_MS = 50;

/** Those that are not in the gateway's folder. */
type FoundPlaces = Omit<Places, 'state' | 'certificate'>;

/** `portcullis start` under soak, with its configuration and its log in a folder of its own. */
export class SoakGateway {
  readonly folder: string;
  readonly log = new GatewayLog();
  /** Undefined: without TLS. */
  readonly certificates: Certificates | undefined;
  port = 0;
  admin = new Admin(0);
  readonly #places: Places;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  private constructor(places: FoundPlaces) {
    this.folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'));
    this.certificates = overTls ? new Certificates(join(this.folder, 'site.pem')) : undefined;
    this.#places = { ...places, state: join(this.folder, 'state'), certificate: this.certificates?.file };
    this.configure(0);
    const args = [main, 'start', '--config', join(this.folder, 'portcullis.yaml')];
    const env = {
      ...process.env,
      NODE_OPTIONS: `--import=${probe}?folder=${encodeURIComponent(this.folder)}`,
    };
    this.#child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'exit').then(([code]) => code as number | null);
    const file = createWriteStream(join(this.folder, 'log'));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      file.write(text);
      this.log.push(text);
    });
  }

  static async start(places: FoundPlaces): Promise<SoakGateway> {
    const gateway = new SoakGateway(places);
    const ports: number[] = [];
    const ended = gateway.log.listen(({ address }) => {
      if (address !== undefined) ports.push(Number(address.split(':').at(-1)));
    });
    await gateway.#logged('ready');
    ended();
    const [port = 0, adminPort = 0] = ports;
    gateway.port = port;
    gateway.admin = new Admin(adminPort);
    await gateway.until(({ keySets }) => (keySets[0]?.kids.length ?? 0) > 0);
    return gateway;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  configure(version: number): void {
    this.#write(JSON.stringify(configOf(version, this.#places)));
  }

  /** With a fault in the last of its routes. */
  configureBadly(version: number): void {
    const text = JSON.stringify(configOf(version, this.#places));
    this.#write(text.replace(/"\/where"/, '"where"'));
  }

  /** Sends a signal and waits for the line that confirms it. */
  async told(signal: NodeJS.Signals, message: string): Promise<void> {
    const logged = this.#logged(message);
    this.#child.kill(signal);
    await logged;
  }

  async until(wanted: (status: Status) => boolean): Promise<Status> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.admin.status();
      if (wanted(status)) return status;
      if (performance.now() > deadline) throw new Error(`the gateway stays at ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Workers that serve, the oldest first. */
  async serving(): Promise<readonly WorkerStatus[]> {
    return (await this.admin.status()).listeners.filter(({ state }) => state === 'serving');
  }

  /** Resolves when all workers serve, none of which is this one, and no other process is left. */
  async settled(without?: number): Promise<Status> {
    return await this.until(
      ({ listeners }) =>
        listeners.length === WORKERS &&
        listeners.every(({ pid, state }) => state === 'serving' && pid !== without),
    );
  }

  /** @returns the exit code of an orderly end. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return await this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Removes the files after a soak without findings. */
  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(text: string): void {
    writeFileSync(join(this.folder, 'portcullis.yaml'), text);
  }

  #logged(message: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (how: () => void): void => {
        clearTimeout(late);
        unlisten();
        how();
      };
      const fail = (why: string): void => end(() => reject(new Error(`the gateway ${why}`)));
      const late = setTimeout(() => fail(`does not log "${message}" within 60 s`), PATIENCE_MS);
      const unlisten = this.log.listen((line) => {
        if (line.message.startsWith(message)) end(resolve);
      });
      void this.#exited.then((code) => fail(`ended with ${code}`));
    });
  }
}
