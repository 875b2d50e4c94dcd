import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SteadyLoad } from './steady-load.ts';

/** A client over TLS, which takes any certificate. */
export interface SecureClient {
  /** The name of the server that it asks for. */
  readonly servername: string;
  /** Gets the name in the certificate of each connection, and when that began (monotonic milliseconds). */
  readonly onCertificate: (cn: string, since: number) => void;
}

export interface SteadyOptions {
  readonly port: number;
  /** The head of a request up to its empty line; called for each. */
  readonly head: () => string;
  /** A fault of a response; undefined when it has none. */
  readonly judge: (status: number, body: string) => string | undefined;
  /** A new connection for each request. */
  readonly fresh?: boolean;
  readonly clients?: number;
  /** Undefined: without TLS. */
  readonly secure?: SecureClient;
}

/** What can become of a request, other than a response that `judge` rejects. */
export const failures = {
  /** No connection; the error's code follows. */
  connect: 'connect ',
  /** The first request of a connection: the kernel had taken it, and no response came. */
  fresh: 'a new connection ended before any byte of an answer',
  /** Any later one. */
  kept: 'a kept connection ended before any byte of an answer',
  part: 'a connection ended in the middle of an answer',
  length: 'an answer without Content-Length',
  surplus: 'bytes behind an answer',
} as const;

const CLIENTS = 64;
/** Milliseconds until a client that was refused tries again. */
const REFUSED_MS = 5;
/**
 * Clients, each with its own connection on which it sends one request after another. They keep to HTTP/1.1: a
 * connection that the server announces to close is left after its response. Nothing is retried, and everything that is
 * not a whole, correct response counts as a failure of its kind.
 */
export class SteadyClients extends SteadyLoad {
  readonly #options: SteadyOptions;

  constructor(options: SteadyOptions) {
    super();
    this.#options = options;
    this.begin(options.clients ?? CLIENTS, () => this.#live());
  }

  async #live(): Promise<void> {
    while (!this.stopping) {
      if (!(await this.#connection())) await new Promise((resolve) => setTimeout(resolve, REFUSED_MS));
    }
  }

  /** One connection from its start to its end. @returns whether there was one. */
  #connection(): Promise<boolean> {
    const { port, head, judge, fresh = false, secure } = this.#options;
    const to = { port, host: '127.0.0.1', noDelay: true };
    const since = performance.now();
    const socket =
      secure === undefined
        ? connect(to)
        : connectTls({ ...to, servername: secure.servername, rejectUnauthorized: false });
    let connected = false;
    let responses = 0;
    let waiting = false;
    let over: () => void = () => {};
    let received = '';
    const send = (): void => {
      if (this.stopping) {
        socket.destroy();
        return;
      }
      waiting = true;
      over = this.track();
      socket.write(`${head()}${fresh ? 'Connection: close\r\n' : ''}\r\n`);
    };
    socket.setEncoding('latin1');
    socket.on(secure === undefined ? 'connect' : 'secureConnect', () => {
      connected = true;
      secure?.onCertificate(cnOf(socket as TLSSocket), since);
      send();
    });
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const fields = received.slice(0, end);
      const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(fields)?.[1]);
      if (received.length < end + length) return;
      const status = Number(fields.slice(9, 12));
      const wrong = Number.isNaN(length) ? failures.length : judge(status, received.slice(end, end + length));
      if (wrong === undefined) this.correct += 1;
      else this.fail(wrong);
      if (received.length > end + length) this.fail(failures.surplus);
      received = '';
      waiting = false;
      over();
      responses += 1;
      if (fresh || Number.isNaN(length) || /\r\nconnection: close\r\n/i.test(fields)) socket.destroy();
      else send();
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (connected || (secure !== undefined && code === 'ECONNRESET')) return;
      // The kernel had taken the connection and reset it before this process saw it: a closed port refuses instead.
      this.fail(code === 'ECONNRESET' ? failures.fresh : `${failures.connect}${code}`);
    });
    return new Promise((resolve) => {
      socket.on('close', () => {
        over();
        if (secure !== undefined && !connected) this.handshakesRefused += 1;
        if (waiting && received !== '') this.fail(failures.part);
        else if (waiting) this.fail(responses === 0 ? failures.fresh : failures.kept);
        resolve(connected);
      });
    });
  }
}

/** The common name in the server's certificate. */
export function cnOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}
