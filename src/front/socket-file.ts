import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

/**
 * Who may connect: the user and the group of this process, so that a proxy in front needs to be in its group. The
 * engine makes the file with 0700, so at no time may anybody else.
 */
const MODE = 0o660;
/** In such a folder only the owner of a name may rename or remove it. */
const STICKY = 0o1000;

/**
 * The file of a unix socket that listens. It is made under a name of its own and then renamed, so that clients find
 * the socket before, or this one, but never none: the engine would remove what has its name and be absent until
 * it has bound.
 */
export class SocketFile {
  /** What the engine binds; nothing is there. */
  readonly boundPath: string;
  readonly #path: string;
  readonly #before: Stats | undefined;
  readonly #shared: boolean;
  #placed: Stats | undefined;

  private constructor(path: string, before: Stats | undefined, shared: boolean) {
    this.#path = path;
    this.#before = before;
    this.#shared = shared;
    this.boundPath = `${path}.${randomBytes(3).toString('hex')}`;
  }

  /**
   * @param shared another process that listens at this path hands it over.
   * @throws StartError when something is at the path that must stay.
   */
  static async prepare(path: string, shared: boolean): Promise<SocketFile> {
    assertFolder(path);
    return new SocketFile(path, shared ? socketAt(path) : await deadSocketAt(path), shared);
  }

  /** Puts the socket that was bound in its place. @throws StartError; the bound path is removed then. */
  place(): void {
    try {
      chmodSync(this.boundPath, MODE);
      const bound = lstatSync(this.boundPath);
      // Another process may have come meanwhile. One that comes between this look and the next line is not noticed.
      if (!this.#shared && !isSame(socketAt(this.#path), this.#before)) throw taken(this.#path);
      renameSync(this.boundPath, this.#path);
      this.#placed = bound;
    } catch (error) {
      removeIf(this.boundPath, () => true);
      throw error instanceof StartError ? error : refused(this.#path, error);
    }
  }

  /**
   * Removes the file, unless another process has put its own there. It must come before the socket closes: as long as
   * that is open no other file gets its inode number.
   */
  remove(): void {
    const placed = this.#placed;
    this.#placed = undefined;
    if (placed !== undefined) removeIf(this.#path, (file) => isSame(file, placed));
  }
}

/** Why the engine could not bind; it does not say. */
export function bindError(path: string): StartError {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    return refused(path, error);
  }
  return refused(path, undefined);
}

/**
 * Makes sure that no other process listens on a unix socket. Nothing is held: a process that comes later is not noticed.
 * @throws StartError when one does, and when something else than a socket has the path.
 */
export async function claimSocketPath(path: string): Promise<void> {
  await deadSocketAt(path);
}

async function deadSocketAt(path: string): Promise<Stats | undefined> {
  const file = socketAt(path);
  if (file !== undefined && (await answers(path))) throw taken(path);
  return file;
}

/**
 * Anybody could put another socket in the place of one that lies where all may rename, and be sent tokens; and a
 * link in its place would have the mode of another file changed. A group may share a folder: that is how a proxy in
 * front gets at it.
 */
function assertFolder(path: string): void {
  const folder = dirname(path);
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & constants.S_IWOTH) === 0 || (mode & STICKY) !== 0) return;
  throw new StartError(
    `cannot listen on ${addressText({ path })}: everybody may write in its folder; chmod o-w it or choose another path`,
  );
}

/** The socket at a path, undefined when nothing is there. @throws StartError when something else is. */
function socketAt(path: string): Stats | undefined {
  let file: Stats | undefined;
  try {
    file = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw refused(path, error);
  }
  if (file !== undefined && !file.isSocket()) {
    throw new StartError(
      `cannot listen on ${addressText({ path })}: something that is no socket has this name; remove it or choose another path`,
    );
  }
  return file;
}

/** Whether the socket at a path belongs to a process that lives; if that cannot be told, it does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function isSame(a: Stats | undefined, b: Stats | undefined): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino;
}

function removeIf(path: string, wanted: (file: Stats) => boolean): void {
  try {
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (file !== undefined && wanted(file)) unlinkSync(path);
  } catch {
    // It stays, and no process answers there: the next one to listen there replaces it.
  }
}

function taken(path: string): StartError {
  return new StartError(
    `cannot listen on ${addressText({ path })}: another process listens there; stop it or choose another path`,
  );
}

const sentences: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; make it',
  ENOTDIR: 'its folder is none; choose another path',
  EACCES: 'this user may not write in its folder; grant that or choose another path',
  EROFS: 'its folder is read-only; choose another path',
};

function refused(path: string, error: unknown): StartError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const sentence =
    sentences[code] ?? `the system does not allow it${code === '' ? '' : ` (${code})`}; choose another path`;
  return new StartError(`cannot listen on ${addressText({ path })}: ${sentence}`, { cause: error });
}
