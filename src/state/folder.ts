import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertFile, isTrusted, makeFolder, ownerTrust, ownTrust, refusal, type Trust } from './trust.ts';

/** Only the gateway's user may read what is kept. */
const MODE = 0o600;
/** No link is followed, and a pipe keeps no caller waiting. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export type { FileHandle };

/**
 * The folder for what outlives a restart: the one door to the files in it. What stands in them decides whose tokens
 * are let in, so each is opened only when only this user and root can have written it. Every method throws
 * StartError with the path and the remedy where that is not so, and what the file system says otherwise.
 */
export class StateFolder {
  readonly path: string;
  readonly #readOnly: boolean;

  /**
   * @param path absolute.
   * @param readOnly what is read decides nothing here, so the folder's owner is trusted as well.
   */
  constructor(path: string, readOnly = false) {
    this.path = path;
    this.#readOnly = readOnly;
  }

  /** The path of a file in it. */
  fileOf(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder if need be. */
  async make(): Promise<void> {
    await makeFolder(this.path);
  }

  /** A file that is there, to be read; undefined where there is none. */
  async openToRead(name: string): Promise<FileHandle | undefined> {
    const trust = this.#readOnly ? await ownerTrust(this.path) : ownTrust();
    if (!(await isTrusted(this.path, trust))) return undefined;
    try {
      return await this.#open(name, constants.O_RDONLY, trust);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A file to be read and written, made if need be, with its folder. */
  async openToWrite(name: string): Promise<FileHandle> {
    await this.make();
    return this.#open(name, constants.O_RDWR | constants.O_CREAT);
  }

  /** A file that must not be there yet, to be read and written. */
  async create(name: string): Promise<FileHandle> {
    await this.make();
    return this.#open(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  }

  /** Replaces a file in one step, so that a crash leaves the old one or the new one. */
  async replace(name: string, text: string): Promise<void> {
    const fresh = `${name}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      const handle = await this.create(fresh);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.rename(fresh, name);
    } catch (error) {
      await this.remove(fresh);
      throw error;
    }
  }

  async rename(name: string, to: string): Promise<void> {
    await rename(this.fileOf(name), this.fileOf(to));
  }

  /** Removes a file, if it is there. */
  async remove(name: string): Promise<void> {
    await rm(this.fileOf(name), { force: true });
  }

  /** Whether anything has this name. */
  async has(name: string): Promise<boolean> {
    try {
      await lstat(this.fileOf(name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return false;
    }
  }

  /** Whether this is the file of that name; undefined where there is none. */
  async isNamed(name: string, handle: FileHandle): Promise<boolean | undefined> {
    try {
      const [own, named] = await Promise.all([handle.stat(), lstat(this.fileOf(name))]);
      return own.ino === named.ino && own.dev === named.dev;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Only then is a new name in the folder sure to outlive a loss of power. */
  async sync(): Promise<void> {
    const folder = await open(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async #open(name: string, flags: number, trust: Trust = ownTrust()): Promise<FileHandle> {
    const path = this.fileOf(name);
    let handle: FileHandle;
    try {
      handle = await open(path, flags | SAFELY, MODE);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ELOOP') throw refusal(path, 'is a link', 'remove it');
      // What a socket, a device without driver or a folder answers.
      if (code === 'ENXIO' || code === 'EISDIR' || code === 'ENODEV') {
        throw refusal(path, 'is no plain file', 'remove it');
      }
      throw error;
    }
    try {
      assertFile(path, await handle.stat(), trust);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
}
