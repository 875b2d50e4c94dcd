import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** One connection that the gateway opened to the origin. */
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
    // A reset is one of the ends a test may provoke; `closed` tells of all of them.
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

  /** Resolves with everything received and not yet taken, once `enough` says so. Rejects when it ends before. */
  async take(enough: (text: string) => boolean): Promise<string> {
    for (;;) {
      const text = this.received;
      if (enough(text)) {
        this.#received = Buffer.alloc(0);
        return text;
      }
      if (this.#ended) throw new Error(`the gateway closed the connection after: ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The next request head, to its empty line; body bytes that came with it are part of the text. */
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

  /** Bytes written and taken by the kernel, so on their way to the gateway. */
  get taken(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Hashes what comes from now on instead of keeping it, until `bytes` have come; what came before counts. */
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

  /** Hashes the content of the chunked body that comes from now on; what came before counts. */
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
          // The CRLF behind a chunk belongs to the next size line here.
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

/** An upstream server that speaks only the bytes a test tells it to. */
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

  /** Connections open now. */
  get open(): number {
    return this.#all.size;
  }

  /** The next connection that no test has taken yet. */
  connection(): Promise<OriginConnection> {
    const ready = this.#connections.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Answers every request on every connection with `answer`, given the request's head and what came with it. */
  serve(answer: (request: string) => string): void {
    const carry = async (): Promise<void> => {
      for (;;) void this.#carry(await this.connection(), answer);
    };
    void carry();
  }

  async #carry(connection: OriginConnection, answer: (request: string) => string): Promise<void> {
    try {
      for (;;) connection.write(answer(await connection.head()));
    } catch {
      connection.socket.destroy(); // The gateway is done with it.
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#all) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
