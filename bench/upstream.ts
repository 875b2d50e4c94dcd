import { setTimeout as delay } from 'node:timers/promises';
import { type Subprocess, type Subprocesses, scriptBeside } from './subprocesses.ts';

/** The usual response of upstream: 26 bytes. */
export const BODY = 'abcdefghijklmnopqrstuvwxyz';

/** The path for a response of that many bytes. */
export function pathForBytes(bytes: number): string {
  return `/bytes/${bytes}`;
}

/** The number of bytes that a path names; undefined for the usual response. */
export function responseBytes(path: string): number | undefined {
  const digits = /^\/bytes\/(\d{1,8})$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Bytes of each message that a WebSocket echoes. */
export const ECHO_BYTES = 64;
/** The path below which a WebSocket sends large messages instead. */
export const DOWNLOAD_PATH = '/download';
/** Bytes of the payload of each of them. */
export const DOWNLOAD_BYTES = 64 * 1024;

/** Their payload: bytes of a period that fits into no power of two, so that a part that is lost or repeated shows. */
export function downloadPayload(): Uint8Array {
  return Uint8Array.from({ length: DOWNLOAD_BYTES }, (_, at) => at % 251);
}

/** Bytes; the engine's own limit of 4 KiB would leave little room for the headers that gateways add. */
const HEAD_LIMIT = '16384';

/** Milliseconds without a request after which no more are expected. */
const QUIET_MS = 100;

export interface UpstreamMessage {
  readonly port: number;
  /** Responses since the start. */
  readonly served: number;
}

/** The servers behind a gateway, as a measurement sees them. */
export interface Served {
  readonly pids: readonly number[];
  /** Responses so far. */
  served(): Promise<number>;
}

/**
 * Responses so far, once no more requests come: those in flight at the end of a load still arrive, and must not be counted
 * for the next one.
 */
export async function settled(upstream: Served): Promise<number> {
  let last = await upstream.served();
  for (;;) {
    await delay(QUIET_MS);
    const now = await upstream.served();
    if (now === last) return now;
    last = now;
  }
}

/** Several servers of one kind. */
export class Upstreams implements Served {
  readonly #all: readonly Upstream[];

  private constructor(all: readonly Upstream[]) {
    this.#all = all;
  }

  static async start(subprocesses: Subprocesses, count: number): Promise<Upstreams> {
    return new Upstreams(
      await Promise.all(Array.from({ length: count }, () => Upstream.start(subprocesses))),
    );
  }

  get ports(): readonly number[] {
    return this.#all.map(({ port }) => port);
  }

  get pids(): readonly number[] {
    return this.#all.flatMap(({ pids }) => pids);
  }

  async served(): Promise<number> {
    const counts = await Promise.all(this.#all.map((upstream) => upstream.served()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((upstream) => upstream.stop()));
  }
}

/** The usual server behind all gateways. */
export class Upstream implements Served {
  readonly port: number;
  readonly #subprocessocess: Subprocess;

  private constructor(subprocess: Subprocess, port: number) {
    this.#subprocessocess = subprocess;
    this.port = port;
  }

  /** @param server the script. @param args of it. */
  static async start(
    subprocesses: Subprocesses,
    server: 'upstream-server' | 'upstream-h2-server' | 'websocket-server' = 'upstream-server',
    args: readonly string[] = [],
  ): Promise<Upstream> {
    const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, server), args, {
      UWS_HTTP_MAX_HEADERS_SIZE: HEAD_LIMIT,
    });
    const { port } = (await subprocess.message()) as UpstreamMessage;
    return new Upstream(subprocess, port);
  }

  get pids(): readonly number[] {
    return [this.#subprocessocess.pid];
  }

  stop(): Promise<void> {
    return this.#subprocessocess.stop();
  }

  async served(): Promise<number> {
    const reply = this.#subprocessocess.message();
    this.#subprocessocess.process.send('served');
    return ((await reply) as UpstreamMessage).served;
  }
}
