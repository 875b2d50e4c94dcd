import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertFile, isTrusted, makeFolder, ownerTrust, ownTrust, refusal, type Trust } from './trust.ts';

/** Only the gateway's user may read the files. */
const MODE = 0o600;
/** Follows no link, and does not wait for a pipe. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export type { FileHandle };

/**
 * The folder for files that outlive a restart; all access to them goes through this class. Their content decides whose
 * tokens are let in, so a file is opened only if none but this user and root can have written it. Otherwise every method
 * throws StartError with the path and the remedy. Other failures are the file system's errors.
 */
export class StateFolder {
  readonly path: string;
  readonly #readOnly: boolean;

  /**
   * @param path absolute.
   * @param readOnly the content decides nothing in this process, so the folder's owner is trusted as well.
   */
  constructor(path: string, readOnly = false) {
    this.path = path;
    this.#readOnly = readOnly;
  }

  /** The path of a file in the folder. */
  fileOf(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder if there is none. */
  async make(): Promise<void> {
    await makeFolder(this.path);
  }

  /** Opens a file for reading; undefined if there is none. */
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

  /** Opens a file for reading and writing. Makes the file and the folder if there are none. */
  async openToWrite(name: string): Promise<FileHandle> {
    await this.make();
    return this.#open(name, constants.O_RDWR | constants.O_CREAT);
  }

  /** Makes a file for reading and writing; fails if there is one. */
  async create(name: string): Promise<FileHandle> {
    await this.make();
    return this.#open(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  }

  /** Replaces a file in one step: after a crash either the old or the new content is there. */
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

  /** Removes a file if there is one. */
  async remove(name: string): Promise<void> {
    await rm(this.fileOf(name), { force: true });
  }

  /** Whether the folder has an entry of this name. */
  async has(name: string): Promise<boolean> {
    try {
      await lstat(this.fileOf(name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return false;
    }
  }

  /** Whether the open file has this name; undefined if no file has it. */
  async isNamed(name: string, handle: FileHandle): Promise<boolean | undefined> {
    try {
      const [own, named] = await Promise.all([handle.stat(), lstat(this.fileOf(name))]);
      return own.ino === named.ino && own.dev === named.dev;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Writes the folder to the disk. A new name in it survives a loss of power only after that. */
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
      // Sockets, devices without driver and folders give these codes.
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
