import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections: probes, a handful of scrapers, some webhooks. More are a mistake, and must not use up descriptors. */
const MAX_CONNECTIONS = 64;
/** Connections of one peer address, so that no peer has them all. */
const MAX_OF_PEER = 16;
/** Requests that wait on one connection. A client that sends more does not read its replies. */
const MAX_WAITING = 16;

interface Connection {
  readonly peer: string;
  /** Requests without a complete reply. */
  requests: number;
  /** Resolves when the last of these requests is over. Never rejects. */
  last: Promise<void>;
}

/** The connections of an address for operators. A new connection always gets in; an old one makes room for it. */
export class Connections {
  /** By age. */
  readonly #open = new Map<Socket, Connection>();

  admit(socket: Socket): void {
    const peer = socket.remoteAddress ?? '';
    const all = [...this.#open];
    const ofPeer = all.filter(([, one]) => one.peer === peer);
    if (ofPeer.length >= MAX_OF_PEER) this.#evict(ofPeer);
    else if (all.length >= MAX_CONNECTIONS) this.#evict(all);
    this.#open.set(socket, { peer, requests: 0, last: Promise.resolve() });
    socket.once('close', () => this.#open.delete(socket));
  }

  /** Calls `handle` when all earlier requests on the connection have their replies. */
  inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.requests > MAX_WAITING) {
      socket.destroy();
      return;
    }
    const isFirst = connection.requests === 0;
    connection.requests += 1;
    const begin = async (): Promise<void> => {
      if (socket.destroyed) return;
      const over = new Promise<void>((resolve) => {
        response.once('finish', resolve).once('close', resolve);
        socket.once('close', resolve);
        response.once('finish', () => socket.off('close', resolve));
      });
      handle();
      await over;
      connection.requests -= 1;
    };
    connection.last = isFirst ? begin() : connection.last.then(begin);
  }

  /** A connection no longer counts, and is never closed for want of room. It has no request behind the present one. */
  release(socket: Socket): void {
    this.#open.delete(socket);
  }

  /** Closes a connection. Prefers one without a whole request: a reply that is under way is soon over. */
  #evict(oldestFirst: readonly (readonly [Socket, Connection])[]): void {
    const [socket] = oldestFirst.find(([, { requests }]) => requests === 0) ?? oldestFirst[0] ?? [];
    if (socket === undefined) return;
    this.#open.delete(socket);
    socket.destroy();
  }
}
