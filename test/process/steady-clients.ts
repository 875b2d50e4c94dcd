import { connect, type Socket } from 'node:net';

export interface SteadyOptions {
  readonly port: number;
  /** The head of a request up to its empty line; called for each. */
  readonly head: () => string;
  /** What is wrong with an answer; undefined when nothing is. */
  readonly judge: (status: number, body: string) => string | undefined;
  /** A new connection for each request. */
  readonly fresh?: boolean;
}

const CLIENTS = 64;

/**
 * Sixty-four clients, each with a connection of its own on which it sends one request after another. They keep to
 * HTTP/1.1: a connection that the server says it closes is given up after its answer. Nothing is tried again, and
 * whatever is not a whole, right answer counts as a failure.
 */
export class SteadyClients {
  /** Right answers. */
  answered = 0;
  /** How often something went wrong, by what it was. */
  readonly failures: Record<string, number> = {};
  readonly #options: SteadyOptions;
  readonly #sockets = new Set<Socket>();
  #stopping = false;
  #onStopped: (() => void) | undefined;

  constructor(options: SteadyOptions) {
    this.#options = options;
    for (let client = 0; client < CLIENTS; client += 1) this.#connect();
  }

  /** Resolves when `count` more requests have been answered, or failed. */
  async pass(count: number): Promise<void> {
    const ends = (): number =>
      this.answered + Object.values(this.failures).reduce((sum, failed) => sum + failed, 0);
    const goal = ends() + count;
    while (ends() < goal) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Sends no more; resolves when every request under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve;
      if (this.#sockets.size === 0) resolve();
    });
  }

  #fail(what: string): void {
    this.failures[what] = (this.failures[what] ?? 0) + 1;
  }

  #connect(): void {
    const { port, head, judge, fresh = false } = this.#options;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#sockets.add(socket);
    let connected = false;
    let waiting = false;
    let received = '';
    const send = (): void => {
      if (this.#stopping) {
        socket.destroy();
        return;
      }
      waiting = true;
      socket.write(`${head()}${fresh ? 'Connection: close\r\n' : ''}\r\n`);
    };
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      connected = true;
      send();
    });
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const fields = received.slice(0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(fields)?.[1]);
      if (received.length < end + 4 + length) return;
      const wrong = judge(Number(fields.slice(9, 12)), received.slice(end + 4, end + 4 + length));
      if (wrong === undefined) this.answered += 1;
      else this.#fail(wrong);
      received = received.slice(end + 4 + length);
      waiting = false;
      if (/\r\nconnection: close/i.test(fields)) socket.destroy();
      else send();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!connected) this.#fail(`connect ${error.code}`);
    });
    socket.on('close', () => {
      if (connected && waiting) this.#fail('cut before the answer was whole');
      this.#sockets.delete(socket);
      if (!this.#stopping) this.#connect();
      else if (this.#sockets.size === 0) this.#onStopped?.();
    });
  }
}
