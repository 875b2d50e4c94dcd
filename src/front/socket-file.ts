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
import { isMainThread } from 'node:worker_threads';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

/**
 * Lets the user and the group of this process connect. A proxy in front must be in that group. A front binds the file
 * with no right for other users, so they can connect at no time.
 */
const MODE = 0o660;
/** In a folder with this bit, only the owner of a file may rename or remove it. */
const STICKY = 0o1000;

/**
 * The file of a unix socket that listens. A front binds it under a temporary name, and a rename puts it in place. So
 * clients find the previous socket or the new one at any time. Without the rename there would be a gap: no socket can
 * be bound to a path that another file has.
 */
export class SocketFile {
  /** The temporary path to bind, without any right for other users. No file exists there yet. */
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
   * @param shared another process of this gateway may listen at this path, and hands it over.
   * @throws StartError when another process listens at the path, or another kind of file has it.
   */
  static async prepare(path: string, shared: boolean): Promise<SocketFile> {
    assertFolder(path);
    return new SocketFile(path, shared ? socketAt(path) : await deadSocketAt(path), shared);
  }

  /** Moves the bound socket to its path. @throws StartError; the bound file is removed then. */
  place(): void {
    try {
      chmodSync(this.boundPath, MODE);
      const bound = lstatSync(this.boundPath);
      // Another process may have bound the path meanwhile. A bind between this check and the rename goes unnoticed.
      if (!this.#shared && !isSame(socketAt(this.#path), this.#before)) throw taken(this.#path);
      renameSync(this.boundPath, this.#path);
      this.#placed = bound;
    } catch (error) {
      removeIf(this.boundPath, () => true);
      throw error instanceof StartError ? error : refused(this.#path, error);
    }
  }

  /**
   * Removes the file, unless another process has put its own there. Must be called before the socket closes: no other
   * file can get the inode number while the socket is open.
   */
  remove(): void {
    const placed = this.#placed;
    this.#placed = undefined;
    if (placed !== undefined) removeIf(this.#path, (file) => isSame(file, placed));
  }
}

/**
 * Binds a path so that no other user may connect before `SocketFile.place` sets the mode. `bind` must bind before it returns, as
 * `listen` of Node.js does. A worker thread cannot change the mask of its process; there the name of the file is all that hides it.
 */
export function privately<Bound>(bind: () => Promise<Bound>): Promise<Bound> {
  if (!isMainThread) return bind();
  const before = process.umask(0o177);
  try {
    return bind();
  } finally {
    process.umask(before);
  }
}

/** Why a socket could not be bound at a path, as far as its folder shows: a front may not learn the error of the system. */
export function bindError(path: string): StartError {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    return refused(path, error);
  }
  return refused(path, undefined);
}

/**
 * Makes sure that no other process listens on a unix socket. Takes no lock, so a process that binds later goes unnoticed.
 * @throws StartError when a process listens there, or another kind of file has the path.
 */
export async function claimSocketPath(path: string): Promise<void> {
  await deadSocketAt(path);
}

async function deadSocketAt(path: string): Promise<Stats | undefined> {
  const file = socketAt(path);
  if (file !== undefined && (await isListening(path))) throw taken(path);
  return file;
}

/**
 * Refuses a folder in which every user may rename files. There any user could replace the socket and receive tokens, or
 * put a link there so that `chmod` changes another file. A group may share a folder: that gives a proxy in front access.
 */
function assertFolder(path: string): void {
  const folder = dirname(path);
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & constants.S_IWOTH) === 0 || (mode & STICKY) !== 0) return;
  throw new StartError(
    `cannot listen on ${addressText({ path })}: everybody may write in its folder; chmod o-w it or choose another path`,
  );
}

/** The socket at a path, undefined when no file is there. @throws StartError when another kind of file is there. */
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

/** Whether a process listens on the socket at a path. In doubt: yes. */
function isListening(path: string): Promise<boolean> {
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
    // The file stays. No process listens on it, so the next process that listens at this path replaces it.
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
