import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The proxy's treatment of a request: forward it, respond with its own status, or stay silent. */
type Conduct = 'carry' | 'hang' | number;

/** A forward proxy on loopback that takes every name for one server there (RFC 9110 §9.3.6, RFC 9112 §3.2.2). */
export class ForwardProxy {
  conduct: Conduct = 'carry';
  /** Heads of the requests received, in order. */
  readonly heads: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: number;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** @param target port of the server behind every name. */
  static async start(target: number): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** First lines of the requests received. */
  get lines(): readonly string[] {
    return this.heads.map((head) => head.slice(0, head.indexOf('\r\n')));
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    this.#keep(client);
    client.setEncoding('latin1');
    let received = '';
    const read = (bytes: string): void => {
      received += bytes;
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', read);
      this.heads.push(received.slice(0, end + 4));
      this.#response(client, received.slice(0, end + 4));
    };
    client.on('data', read);
  }

  #response(client: Socket, head: string): void {
    if (this.conduct === 'hang') return;
    if (this.conduct !== 'carry') {
      client.end(`HTTP/1.1 ${this.conduct} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const server = this.#keep(connect(this.#target, '127.0.0.1'));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    if (head.startsWith('CONNECT ')) client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    else server.write(head.replace(/^(\S+) http:\/\/[^/ ]+/, '$1 '), 'latin1');
    client.setEncoding('binary');
    client.on('data', (bytes) => server.write(bytes.toString(), 'latin1'));
    server.pipe(client);
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    // A peer that leaves is no fault of the proxy.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
