import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../lib/log.ts';
import {
  closeToOthers,
  controlFolder,
  controlledPids,
  leaveControlFolder,
  makeControlFolder,
  socketOf,
} from './control-folder.ts';
import type { ReloadOutcome } from './reloader.ts';

/** Connections at a time: an operator, or the service manager. */
const MAX_CONNECTIONS = 8;
/** Characters of a command. */
const MAX_COMMAND = 64;
/** Milliseconds within which the command must arrive. */
const COMMAND_MS = 5_000;

/** The command that asks for a reload; the gateway responds with a ReloadOutcome as one line of JSON. */
export const RELOAD = 'reload';

/**
 * A unix socket on which this user can ask the gateway for a reload and wait for the outcome, which a signal does not
 * have. Its name is the pid of the gateway.
 */
export class ControlSocket {
  readonly #server: Server;
  readonly #folder: string;
  readonly #open = new Set<Socket>();
  readonly #atExit = (): void => this.#leave();

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.#folder = folder;
    process.once('exit', this.#atExit); // A second signal or a fault of ours ends the process at once.
  }

  /** Logs a warning and resolves with undefined when the socket cannot be made: the gateway serves without it. */
  static async start(
    env: NodeJS.ProcessEnv,
    log: Log,
    reload: () => Promise<ReloadOutcome>,
  ): Promise<ControlSocket | undefined> {
    const folder = controlFolder(env);
    const path = socketOf(folder, process.pid);
    try {
      const server = createServer();
      server.maxConnections = MAX_CONNECTIONS;
      await listenIn(folder, path, server);
      server.on('error', (error) => log.warn({ error }, 'the control socket met an error'));
      const control = new ControlSocket(server, folder);
      closeToOthers(path);
      server.on('connection', (socket) => control.#serve(socket, reload));
      return control;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ path, why }, 'there is no control socket: a reload can be asked for by SIGHUP alone');
      return undefined;
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    process.off('exit', this.#atExit);
    this.#leave();
  }

  #leave(): void {
    rmSync(socketOf(this.#folder, process.pid), { force: true });
    leaveControlFolder(this.#folder);
  }

  #serve(socket: Socket, reload: () => Promise<ReloadOutcome>): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => {}); // The client has gone.
    socket.setTimeout(COMMAND_MS, () => socket.destroy());
    socket.setEncoding('utf8');
    let command = '';
    const read = (text: string): void => {
      command += text;
      if (command.length > MAX_COMMAND) socket.destroy();
      if (!command.includes('\n')) return;
      socket.off('data', read);
      socket.setTimeout(0);
      if (command.trim() !== RELOAD) socket.end(`${JSON.stringify({ unknown: true })}\n`);
      else void reload().then((outcome) => socket.end(`${JSON.stringify(outcome)}\n`));
    };
    socket.on('data', read);
  }
}

/** Rejects with a StartError or the error of the system. */
async function listenIn(folder: string, path: string, server: Server, again = true): Promise<void> {
  makeControlFolder(folder);
  controlledPids(folder, true);
  rmSync(path, { force: true }); // Of a process that had this pid before.
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    // Another gateway has ended meanwhile and removed the folder.
    if (existsSync(folder) || !again) throw error;
    await listenIn(folder, path, server, false);
  }
}
