import { createHash } from 'node:crypto';
import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import { StartError } from '../lib/start-error.ts';
import { StateFolder } from '../state/folder.ts';

/** Bytes of a stored set. Fetched sets are no larger, and only the needed members are stored. */
const MAX_BYTES = 2 * 1024 * 1024;
const VERSION = 1;
/** Characters of the hash in a file's name, of 43; the stamp in the file has all of them. */
const HASH_CHARACTERS = 16;

/** A stored set must not be used. The message completes the sentence `the file …`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface KeptKeySet {
  /** A JWKS. */
  readonly text: string;
  /** Wall-clock milliseconds of the fetch. */
  readonly fetchedAt: number;
}

/** Stores the last good key set of each source of each issuer in a folder, one file for each. */
export class KeySetStore {
  readonly #folder: StateFolder;

  /** @param readOnly see `StateFolder`. */
  constructor(folder: string, readOnly?: boolean) {
    this.#folder = new StateFolder(folder, readOnly);
  }

  fileOf(issuer: IssuerConfig, remote: RemoteKeysConfig): string {
    return this.#folder.fileOf(nameOf(issuer, remote));
  }

  /**
   * The stored set of this issuer from this source; undefined when there is none. Throws StoreError for a file that must
   * not be used, and StartError if others than this user could have written it.
   */
  async read(issuer: IssuerConfig, remote: RemoteKeysConfig): Promise<KeptKeySet | undefined> {
    const text = await this.#textOf(nameOf(issuer, remote));
    if (text === undefined) return undefined;
    const { fetchedAt, ...rest } = parse(text);
    const wanted = stamp(issuer, remote);
    if (Object.entries(wanted).some(([name, value]) => rest[name] !== value)) {
      throw new StoreError('was kept for another issuer or from another source');
    }
    if (typeof fetchedAt !== 'number' || !Number.isFinite(fetchedAt)) throw new StoreError('has no time');
    return { text, fetchedAt };
  }

  /** Replaces the file in one step: after a crash either the old or the new content is there. */
  async write(
    issuer: IssuerConfig,
    remote: RemoteKeysConfig,
    set: { readonly entries: readonly object[]; readonly fetchedAt: number },
  ): Promise<void> {
    const { entries: keys, fetchedAt } = set;
    const text = JSON.stringify({ ...stamp(issuer, remote), fetchedAt, keys });
    await this.#folder.replace(nameOf(issuer, remote), text);
  }

  async #textOf(name: string): Promise<string | undefined> {
    try {
      const handle = await this.#folder.openToRead(name);
      if (handle === undefined) return undefined;
      try {
        const { size } = await handle.stat();
        if (size > MAX_BYTES) throw new StoreError(`is larger than ${MAX_BYTES} bytes`);
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (error instanceof StoreError || error instanceof StartError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new StoreError(`cannot be read (${code ?? 'no reason given'})`);
    }
  }
}

/**
 * The file's name. No issuer's name can lead out of the folder, and two issuers, or two sources of one issuer, never
 * share a file: no encoded name has a `+`.
 */
function nameOf({ name }: IssuerConfig, remote: RemoteKeysConfig): string {
  const which = remote.algorithms === undefined ? '' : `+${hashOf(remote).slice(0, HASH_CHARACTERS)}`;
  return `keyset-${encodeURIComponent(name)}${which}.json`;
}

/** A hash of the address, because its query can hold a secret. */
function hashOf(remote: RemoteKeysConfig): string {
  return createHash('sha256').update(`${remote.kind} ${remote.url}`).digest('base64url');
}

/** The members that name the issuer and the source of a stored set. */
function stamp(issuer: IssuerConfig, remote: RemoteKeysConfig): Readonly<Record<string, unknown>> {
  const source = hashOf(remote);
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
