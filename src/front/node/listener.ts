import { createServer, type Server, type Socket } from 'node:net';
import type { TrafficAddress } from '../../config/config.ts';
import { addressText, hostPort } from '../../http/host-port.ts';
import { nodeVersion, sharesPorts } from '../../lib/node-version.ts';
import { StartError } from '../../lib/start-error.ts';
import { listenSentence } from '../bind-fault.ts';
import { bindError, privately, SocketFile } from '../socket-file.ts';

/** Connections that wait in the system's queue, at most; the system has a limit of its own (net.core.somaxconn). */
const BACKLOG = 4096;

/** One bound address. */
export class Listener {
  /** The bound address as text. */
  readonly name: string;
  readonly #server: Server;
  readonly #file: SocketFile | undefined;

  private constructor(name: string, server: Server, file?: SocketFile) {
    this.name = name;
    this.#server = server;
    this.#file = file;
  }

  /**
   * Binds an address.
   * @param shared see `Front.listen`. @param onSocket takes each new connection, which does not read yet.
   * @throws StartError
   */
  static async open(
    address: TrafficAddress,
    shared: boolean,
    onSocket: (socket: Socket) => void,
  ): Promise<Listener> {
    // A client that has sent all may end its side and still wait for the response.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, onSocket);
    if ('path' in address) {
      const file = await SocketFile.prepare(address.path, shared);
      try {
        await privately(() => listen(server, { path: file.boundPath }));
      } catch {
        throw bindError(address.path);
      }
      try {
        file.place();
      } catch (error) {
        server.close();
        throw error;
      }
      return new Listener(addressText(address), server, file);
    }
    const { host, port } = address;
    if (shared && !sharesPorts(nodeVersion)) {
      throw new StartError(
        `cannot listen on ${hostPort(host, port)}: several processes share an address by this engine from Node.js 22.12 on; use such a version, or engine: uws`,
      );
    }
    try {
      await listen(server, { host, port, exclusive: true, ...(shared ? { reusePort: true } : {}) });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      throw new StartError(`cannot listen on ${hostPort(host, port)}: ${listenSentence(code)}`, {
        cause: error,
      });
    }
    return new Listener(hostPort(host, (server.address() as { port: number }).port), server);
  }

  /** Takes no new connection. */
  close(): void {
    this.#file?.remove();
    this.#server.close();
  }
}

function listen(server: Server, where: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject);
      // A failed accept (EMFILE) leaves the connection in the queue; the next event tries again.
      server.on('error', () => {});
      resolve();
    });
  });
}
