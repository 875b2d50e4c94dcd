import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../lib/log.ts';
import {
  closeToOthers,
  controlFolder,
  controlledPids,
  makeControlFolder,
  socketOf,
} from './control-folder.ts';
import type { ReloadOutcome } from './reloader.ts';

/** Who asks at one time: an operator, or the service manager. */
const MAX_CONNECTIONS = 8;
/** Characters of a command. */
const MAX_COMMAND = 64;
/** Milliseconds for the command to come. */
const COMMAND_MS = 5_000;

/** The command that asks for a reload; its answer is a ReloadOutcome as one line of JSON. */
export const RELOAD = 'reload';

/**
 * Where this user, and nobody else, can ask the gateway for something and wait for the outcome: a unix socket with the
 * pid of the gateway as its name. A signal has no answer.
 */
export class ControlSocket {
  readonly #server: Server;
  readonly #path: string;
  readonly #open = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** Undefined, and a warning, where none can be had: the gateway serves without. */
  static async start(
    env: NodeJS.ProcessEnv,
    log: Log,
    reload: () => Promise<ReloadOutcome>,
  ): Promise<ControlSocket | undefined> {
    const folder = controlFolder(env);
    const path = socketOf(folder, process.pid);
    try {
      makeControlFolder(folder);
      controlledPids(folder, true);
      rmSync(path, { force: true }); // Of a process that had this pid before.
      const server = createServer();
      server.maxConnections = MAX_CONNECTIONS;
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
      server.on('error', (error) => log.warn({ error }, 'the control socket met an error'));
      const control = new ControlSocket(server, path);
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
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket, reload: () => Promise<ReloadOutcome>): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => {}); // Who has gone waits for no answer.
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
