import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Ledger } from './ledger.ts';
import type { SoakRequest } from './requests.ts';
import { digestOf } from './upstream.ts';

/** Milliseconds for one exchange; whatever takes longer hangs. */
const HANG_MS = 30_000;
/**
 * Milliseconds after a kill in which a connection made before may still turn out to be dead, and after upstream came
 * back in which the gateway may still hold connections to the one before.
 */
const AFTERMATH_MS = 2_000;

type Result =
  | { readonly status: number; readonly bytes: Buffer; readonly whole: boolean; readonly closes: boolean }
  | { readonly error: NodeJS.ErrnoException };

/** One client of the gateway, with at most one connection, that judges every answer. */
export class SoakClient {
  readonly #port: number;
  readonly #ledger: Ledger;
  #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number, ledger: Ledger) {
    this.#port = port;
    this.#ledger = ledger;
  }

  /** Leaves its connection. */
  close(): void {
    this.#agent.destroy();
  }

  async send(sent: SoakRequest): Promise<void> {
    const from = performance.now();
    const state = { fresh: false };
    const result = await this.#exchange(sent, state);
    if (sent.leaveAfterMs !== undefined) {
      this.#ledger.note(sent.kind, 'left');
      return;
    }
    const wrong = judge(sent, result);
    if (wrong === undefined) this.#ledger.note(sent.kind, 'right');
    else this.#excuse(sent, result, wrong, from, state.fresh);
  }

  #excuse(sent: SoakRequest, result: Result, wrong: string, from: number, fresh: boolean): void {
    const ledger = this.#ledger;
    const status = 'status' in result ? result.status : undefined;
    const isCut = 'error' in result ? isReset(result.error) : !result.whole;
    if (ledger.overlaps('upstream-down', from, AFTERMATH_MS) && (isCut || status === 502 || status === 503)) {
      ledger.note(sent.kind, 'upstream was down');
    } else if (ledger.overlaps('listener-killed', from, fresh ? 0 : AFTERMATH_MS) && isCut) {
      ledger.note(sent.kind, 'its listener was killed');
    } else if (fresh && ledger.overlaps('listeners-rolled', from) && isCut) {
      // In the queue of a socket that was closed; see net.ipv4.tcp_migrate_req.
      ledger.note(sent.kind, 'not accepted yet when its listener was replaced');
    } else {
      ledger.blame(sent.kind, `${sent.method} ${sent.path} ${fresh ? 'on a new connection' : ''}: ${wrong}`);
    }
  }

  #exchange(sent: SoakRequest, state: { fresh: boolean }): Promise<Result> {
    return new Promise((resolve) => {
      const { method, path, headers, body, chunked, restMs = 0, leaveAfterMs } = sent;
      const length = body === undefined || chunked === true ? {} : { 'content-length': String(body.length) };
      const request: ClientRequest = httpRequest({
        port: this.#port,
        host: '127.0.0.1',
        agent: this.#agent,
        method,
        path,
        headers: { ...headers, ...length },
      });
      const finish = (result: Result): void => {
        clearTimeout(late);
        clearTimeout(leaving);
        resolve(result);
      };
      const late = setTimeout(() => {
        finish({ error: Object.assign(new Error('no end within 30 s'), { code: 'HANGS' }) });
        request.destroy();
      }, HANG_MS);
      const leaving =
        leaveAfterMs === undefined ? undefined : setTimeout(() => request.destroy(), leaveAfterMs);
      request.on('socket', () => {
        state.fresh = !request.reusedSocket;
      });
      request.on('error', (error) => finish({ error }));
      request.on('response', (response) => receive(response, restMs, finish));
      if (body === undefined) request.end();
      else if (chunked === true) {
        request.write(body.subarray(0, body.length >> 1));
        request.end(body.subarray(body.length >> 1));
      } else request.end(body);
    });
  }
}

function receive(response: IncomingMessage, restMs: number, finish: (result: Result) => void): void {
  const pieces: Buffer[] = [];
  response.on('data', (piece: Buffer) => {
    pieces.push(piece);
    if (restMs === 0) return;
    response.pause();
    setTimeout(() => response.resume(), restMs);
  });
  response.on('error', () => {}); // `close` follows.
  response.on('close', () => {
    const closes = response.headers.connection === 'close';
    finish({
      status: response.statusCode ?? 0,
      bytes: Buffer.concat(pieces),
      whole: response.complete,
      closes,
    });
  });
}

/** What is wrong with an answer; undefined when nothing is. */
function judge(sent: SoakRequest, result: Result): string | undefined {
  if ('error' in result) return `${result.error.code ?? ''} ${result.error.message}`;
  const { status, bytes, whole } = result;
  if (status !== sent.status)
    return `${status} in place of ${sent.status}: ${bytes.toString().slice(0, 200)}`;
  if (sent.breaks === true) return whole ? 'a whole answer of an upstream that broke off' : undefined;
  if (!whole) return `cut after ${bytes.length} bytes`;
  if (sent.text !== undefined && bytes.toString() !== sent.text) {
    return `${bytes.toString().slice(0, 200)} in place of ${sent.text}`;
  }
  if (sent.digest !== undefined && digestOf(bytes) !== sent.digest) return `${bytes.length} other bytes`;
  if (sent.reason !== undefined) {
    const { code } = JSON.parse(bytes.toString()) as { code: string };
    if (code !== sent.reason) return `${code} in place of ${sent.reason}`;
  }
  return undefined;
}

function isReset({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}
