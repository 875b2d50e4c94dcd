import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readRedisUrl } from '../lib/redis-url.ts';
import { RedisError, type Reply, ReplyReader } from './reply-reader.ts';

/** Milliseconds to connect, with TLS and the password. */
const CONNECT_MS = 3_000;
/** Commands that wait for a reply, some 300 bytes each. With more, Redis does not keep up. */
const MAX_PENDING = 50_000;

export interface ConnectionOptions {
  /** `redis:` or `rediss:`, with user and password where Redis wants them; never printed. */
  readonly url: string;
  /** Milliseconds of silence after which the connection is dead. */
  readonly silenceMs: number;
  /** Milliseconds between two pings, where silence is usual; undefined: none. */
  readonly pingMs?: number | undefined;
  /** Closes the connection, also while it is being made. */
  readonly signal: AbortSignal;
  /** Called once, when either side has closed the connection. */
  readonly onEnd: (error: Error) => void;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection to a Redis whose content is not trusted: no reply costs more memory than `ReplyReader` allows. A
 * connection that fails stays failed; it does not wait for Redis to return.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #ping: NodeJS.Timeout | undefined;
  #received = 0;
  #error: Error | undefined;

  private constructor(options: ConnectionOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    const reader = new ReplyReader((reply) => this.#settle(reply));
    socket.setNoDelay(true);
    socket.setTimeout(options.silenceMs, () => this.close(new Error('Redis is silent')));
    socket.on('data', (piece: Buffer) => {
      this.#received += piece.length;
      try {
        reader.take(piece);
      } catch (error) {
        this.close(error as Error);
      }
    });
    socket.on('error', (error) => this.close(error));
    socket.on('close', () => this.close(new Error('the connection was closed')));
    if (options.pingMs === undefined) return;
    this.#ping = setInterval(() => void this.send('PING').catch(() => {}), options.pingMs); // `onEnd` reports the failure.
    this.#ping.unref();
  }

  /** Resolves when Redis takes commands. Rejects with the system's error or a RedisError. */
  static async connect(options: ConnectionOptions): Promise<RedisConnection> {
    const { host, port, isTls, user, password, database } = readRedisUrl(options.url);
    const socket = isTls
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
      : connectTcp({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('Redis does not answer in time')), CONNECT_MS);
    const abort = (): void => void socket.destroy(new Error('the connection was closed'));
    options.signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => options.signal.removeEventListener('abort', abort));
    try {
      options.signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        socket.once(isTls ? 'secureConnect' : 'connect', resolve);
        socket.once('error', reject);
      });
      const connection = new RedisConnection(options, socket);
      if (password !== undefined) await connection.#authenticate(user, password);
      // Database 0 is selected anyway, and the user may lack the permission for SELECT.
      if (database !== 0) await connection.send('SELECT', String(database));
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Bytes received. */
  get received(): number {
    return this.#received;
  }

  /** Sends a command; resolves with the reply. Rejects with a RedisError, or with the error that ended the connection. */
  send(...words: readonly string[]): Promise<Reply> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#pending.length >= MAX_PENDING) {
      const error = new Error('Redis does not keep up');
      this.close(error);
      return Promise.reject(error);
    }
    this.#socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
    );
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
  }

  /** Closes the connection. Commands that wait for a reply fail with this error. */
  close(error: Error = new Error('the connection was closed')): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    clearInterval(this.#ping);
    this.#socket.destroy();
    for (const { reject } of this.#pending.splice(0)) reject(error);
    this.#options.onEnd(error);
  }

  async #authenticate(user: string | undefined, password: string): Promise<void> {
    await this.send('AUTH', ...(user === undefined ? [] : [user]), password);
  }

  #settle(reply: Reply): void {
    const first = this.#pending.shift();
    if (first === undefined) this.close(new Error('Redis sent a reply without a command'));
    else if (reply instanceof RedisError) first.reject(reply);
    else first.resolve(reply);
  }
}
