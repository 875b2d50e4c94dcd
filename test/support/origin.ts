import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** The line of a trace that the gateway begins. It differs in each request, and has tests of its own. */
const NEW_TRACE = /\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-02(?=\r\n)/g;

/** What a server has got without the traces that the gateway began. */
export function withoutTrace(text: string): string {
  return text.replace(NEW_TRACE, '');
}

/** One connection from the gateway to the origin. */
export class OriginConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #changed: (() => void) | undefined;
  #ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#changed?.();
    });
    // A test may provoke a reset; `closed` reports every kind of end.
    socket.on('error', () => {});
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  #end(): void {
    this.#ended = true;
    this.#changed?.();
  }

  get received(): string {
    return this.#received.toString('latin1');
  }

  /**
   * Resolves with everything received and not yet taken, once `enough` accepts it. Rejects when the connection ends
   * before. @param hidesTrace without the traces that the gateway began.
   */
  async take(enough: (text: string) => boolean, hidesTrace = true): Promise<string> {
    for (;;) {
      const text = this.received;
      if (enough(text)) {
        this.#received = Buffer.alloc(0);
        return hidesTrace ? withoutTrace(text) : text;
      }
      if (this.#ended) throw new Error(`the gateway closed the connection after: ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The next request head, up to its empty line; body bytes in the same read are part of the text. */
  head(): Promise<string> {
    return this.take((text) => text.includes('\r\n\r\n'));
  }

  /** Resolves when the gateway has closed its side. */
  async closed(): Promise<void> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** Bytes that the kernel has taken, so on their way to the gateway. */
  get taken(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Hashes further bytes instead of keeping them, until `bytes` have come; earlier ones count. */
  hash(bytes: number): Promise<string> {
    const hash = createHash('sha256').update(this.#received);
    let left = bytes - this.#received.length;
    this.#received = Buffer.alloc(0);
    this.socket.removeAllListeners('data');
    return new Promise((resolve, reject) => {
      const take = (data: Buffer): void => {
        hash.update(data);
        left -= data.length;
        if (left <= 0) resolve(left === 0 ? hash.digest('hex') : `${-left} bytes too many`);
      };
      take(Buffer.alloc(0));
      this.socket.on('data', take);
      this.socket.on('close', () => reject(new Error(`the gateway closed with ${left} bytes missing`)));
    });
  }

  /** Hashes the content of the chunked body from now on; earlier bytes count. */
  unchunkedHash(): Promise<string> {
    const hash = createHash('sha256');
    let rest: Buffer = this.#received;
    let left = 0;
    this.#received = Buffer.alloc(0);
    this.socket.removeAllListeners('data');
    return new Promise((resolve, reject) => {
      const take = (data: Buffer): void => {
        rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
        for (;;) {
          const inside = rest.subarray(0, left);
          hash.update(inside);
          left -= inside.length;
          rest = rest.subarray(inside.length);
          // Here the CRLF after a chunk belongs to the next size line.
          const line = /^(?:\r\n)?([0-9a-f]+)\r\n/.exec(rest.subarray(0, 32).toString('latin1'));
          if (left > 0 || line === null) return;
          left = Number.parseInt(line[1] as string, 16);
          rest = rest.subarray(line[0].length);
          if (left === 0) {
            resolve(hash.digest('hex'));
            return;
          }
        }
      };
      take(Buffer.alloc(0));
      this.socket.on('data', take);
      this.socket.on('close', () => reject(new Error('the gateway closed in the middle of a body')));
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }
}

/** An upstream server that writes only the bytes of its test. */
export class Origin {
  readonly #server: Server;
  readonly #connections: OriginConnection[] = [];
  readonly #waiting: ((connection: OriginConnection) => void)[] = [];
  readonly #all = new Set<Socket>();
  accepted = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.#all.add(socket);
      socket.on('close', () => this.#all.delete(socket));
      const connection = new OriginConnection(socket);
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#connections.push(connection);
      else waiter(connection);
    });
  }

  static async start(): Promise<Origin> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const origin = new Origin(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open connections. */
  get open(): number {
    return this.#all.size;
  }

  /** The next connection that no test has taken yet. */
  connection(): Promise<OriginConnection> {
    const ready = this.#connections.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Responds to every request on every connection with `answer`, given the request's head and the bytes after it. */
  serve(response: (request: string) => string): void {
    const carry = async (): Promise<void> => {
      for (;;) void this.#carry(await this.connection(), response);
    };
    void carry();
  }

  async #carry(connection: OriginConnection, response: (request: string) => string): Promise<void> {
    try {
      for (;;) connection.write(response(await connection.head()));
    } catch {
      connection.socket.destroy(); // The gateway closed the connection.
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#all) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
