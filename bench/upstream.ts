import { setTimeout as delay } from 'node:timers/promises';
import { type Child, type Children, scriptBeside } from './children.ts';

/** The usual response of upstream: 26 bytes. */
export const BODY = 'abcdefghijklmnopqrstuvwxyz';

/** The path for a response of that many bytes. */
export function pathForBytes(bytes: number): string {
  return `/bytes/${bytes}`;
}

/** The number of bytes that a path names; undefined for the usual response. */
export function answerBytes(path: string): number | undefined {
  const digits = /^\/bytes\/(\d{1,8})$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
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

/** The one server behind all gateways. */
export class Upstream {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(children: Children): Promise<Upstream> {
    const child = children.fork('load', scriptBeside(import.meta.url, 'upstream-server'), [], {
      UWS_HTTP_MAX_HEADERS_SIZE: HEAD_LIMIT,
    });
    const { port } = (await child.message()) as UpstreamMessage;
    return new Upstream(child, port);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Responses so far. */
  async served(): Promise<number> {
    const answer = this.#child.message();
    this.#child.process.send('served');
    return ((await answer) as UpstreamMessage).served;
  }

  /**
   * Responses so far, once no more requests come: those in flight at the end of a load still arrive here, and must not
   * be counted for the next one.
   */
  async settled(): Promise<number> {
    let last = await this.served();
    for (;;) {
      await delay(QUIET_MS);
      const now = await this.served();
      if (now === last) return now;
      last = now;
    }
  }
}
