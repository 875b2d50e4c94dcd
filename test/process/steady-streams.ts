import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { cnOf, type SecureClient } from './steady-clients.ts';
import { SteadyLoad } from './steady-load.ts';

export interface SteadyStreamsOptions {
  readonly port: number;
  readonly path: string;
  /** A fault of a response; undefined when it has none. */
  readonly judge: (status: number, body: string) => string | undefined;
  readonly secure: SecureClient;
}

const CONNECTIONS = 4;
/** Requests of one connection at a time, and in all. */
const STREAMS = 8;
const REQUESTS = 100;

/**
 * HTTP/2 clients of `node:http2`, each with its own connection on which it always has several requests. After GOAWAY a
 * client sends no new request there, takes the responses of the others, and goes on with a new connection. Nothing is
 * retried, and everything that is not a whole, correct response counts as a failure of its kind.
 */
export class SteadyStreams extends SteadyLoad {
  /** Connections that the server asked the client to leave. */
  goneAway = 0;
  /**
   * Requests that the client's own library refused: after GOAWAY it sends none, also not those that it was given before.
   * The server has said that it serves them, so it did not refuse them.
   */
  unsent = 0;
  readonly #options: SteadyStreamsOptions;
  /** The last stream that the server serves, by connection, once it has said so. */
  readonly #last = new WeakMap<ClientHttp2Session, number>();

  constructor(options: SteadyStreamsOptions) {
    super();
    this.#options = options;
    this.begin(CONNECTIONS, () => this.#live());
  }

  async #live(): Promise<void> {
    while (!this.stopping) {
      const session = await this.#connected();
      if (session === undefined) continue;
      const closed = new Promise<void>((resolve) => session.once('close', resolve));
      let left = REQUESTS;
      const send = async (): Promise<void> => {
        while (!this.stopping && !session.closed && !session.destroyed && left > 0) {
          left -= 1;
          await this.#request(session);
        }
      };
      await Promise.all(Array.from({ length: STREAMS }, send));
      session.close();
      await closed;
    }
  }

  /** @returns undefined when the handshake failed. */
  async #connected(): Promise<ClientHttp2Session | undefined> {
    const { port, secure } = this.#options;
    const since = performance.now();
    const session = connect(`https://127.0.0.1:${port}`, {
      servername: secure.servername,
      rejectUnauthorized: false,
    });
    session.on('goaway', (code, last) => {
      this.#last.set(session, last ?? 0);
      this.goneAway += 1;
      if (code !== 0) this.fail(`GOAWAY ${code}`);
    });
    const isConnected = await new Promise<boolean>((resolve) => {
      session.once('connect', () => resolve(true));
      session.once('close', () => resolve(false));
      // What it ended is told of each request.
      session.on('error', () => resolve(false));
    });
    if (!isConnected) {
      this.handshakesRefused += 1;
      return undefined;
    }
    secure.onCertificate(cnOf(session.socket as TLSSocket), since);
    return session;
  }

  async #request(session: ClientHttp2Session): Promise<void> {
    const { path, judge } = this.#options;
    const stream = session.request({ ':path': path });
    let status = 0;
    let body = '';
    let isWhole = false;
    stream.setEncoding('utf8');
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (text: string) => {
      body += text;
    });
    stream.on('end', () => {
      isWhole = stream.rstCode === 0;
    });
    stream.on('error', () => {}); // `close` follows.
    await new Promise<void>((resolve) => stream.once('close', resolve));
    const last = this.#last.get(session);
    if (
      stream.rstCode === constants.NGHTTP2_REFUSED_STREAM &&
      last !== undefined &&
      Number(stream.id) <= last
    ) {
      this.unsent += 1;
      return;
    }
    const wrong = isWhole
      ? judge(status, body)
      : `reset with code ${stream.rstCode} after ${body.length} bytes`;
    if (wrong === undefined) this.correct += 1;
    else this.fail(wrong);
  }
}
