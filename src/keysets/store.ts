import { createHash, randomBytes } from 'node:crypto';
import { constants, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';

/** Bytes of a kept set; what is fetched is no larger, and is written without what is not needed of it. */
const MAX_BYTES = 2 * 1024 * 1024;
const VERSION = 1;

/** A kept set that is not to be used. The message completes the sentence `the file …`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface KeptKeySet {
  /** A JWKS. */
  readonly text: string;
  /** Wall-clock milliseconds at which it was fetched. */
  readonly fetchedAt: number;
}

/** Keeps the last good key set of each issuer in a folder, one file for each. */
export class KeySetStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** An issuer's name cannot lead out of the folder, and two names never to one file. */
  fileOf(issuer: string): string {
    return join(this.#folder, `keyset-${encodeURIComponent(issuer)}.json`);
  }

  /** What was kept for this issuer from this source; undefined when there is none. Throws StoreError. */
  async read(issuer: IssuerConfig, remote: RemoteKeysConfig): Promise<KeptKeySet | undefined> {
    let text: string;
    try {
      text = await readOwnFile(this.fileOf(issuer.name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (error instanceof StoreError) throw error;
      throw new StoreError(`cannot be read (${code ?? 'no reason given'})`);
    }
    const { fetchedAt, ...rest } = parse(text);
    const wanted = stamp(issuer, remote);
    if (Object.entries(wanted).some(([name, value]) => rest[name] !== value)) {
      throw new StoreError('was kept for another issuer or from another source');
    }
    if (typeof fetchedAt !== 'number' || !Number.isFinite(fetchedAt)) throw new StoreError('has no time');
    return { text, fetchedAt };
  }

  /** Replaces the file in one step, so that a crash leaves the old one or the new one. */
  async write(
    issuer: IssuerConfig,
    remote: RemoteKeysConfig,
    set: { readonly entries: readonly object[]; readonly fetchedAt: number },
  ): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.fileOf(issuer.name);
    const fresh = `${file}.${randomBytes(8).toString('hex')}.tmp`;
    const { entries: keys, fetchedAt } = set;
    const text = JSON.stringify({ ...stamp(issuer, remote), fetchedAt, keys });
    try {
      const handle = await open(fresh, 'wx', 0o600);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(fresh, file);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }
}

/** What a kept set belongs to. The address is hashed, because its query can hold a secret. */
function stamp(issuer: IssuerConfig, remote: RemoteKeysConfig): Readonly<Record<string, unknown>> {
  const source = createHash('sha256').update(`${remote.kind} ${remote.url}`).digest('base64url');
  return { version: VERSION, issuer: issuer.name, iss: issuer.issuer ?? null, source };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StoreError('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StoreError('is no kept key set');
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Whoever may write this file chooses whose tokens are let in. */
async function readOwnFile(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await readChecked(handle);
  } finally {
    await handle.close();
  }
}

async function readChecked(handle: FileHandle): Promise<string> {
  const { size, mode } = await handle.stat();
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new StoreError('is no plain file');
  if ((mode & 0o022) !== 0) throw new StoreError('may be written by others; must have mode 0600');
  if (size > MAX_BYTES) throw new StoreError(`is larger than ${MAX_BYTES} bytes`);
  return handle.readFile('utf8');
}
