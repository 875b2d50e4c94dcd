import { createHash } from 'node:crypto';
import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import { StartError } from '../lib/start-error.ts';
import { StateFolder } from '../state/folder.ts';

/** Bytes of a kept set; what is fetched is no larger, and is written without what is not needed of it. */
const MAX_BYTES = 2 * 1024 * 1024;
const VERSION = 1;
/** Of 43; the stamp in the file has all of them. */
const HASH_CHARACTERS = 16;

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

/** Keeps the last good key set of each source of each issuer in a folder, one file for each. */
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
   * What was kept for this issuer from this source; undefined when there is none. Throws StoreError for one that is of
   * no use, and StartError where others than this user could have written it.
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

  /** Replaces the file in one step, so that a crash leaves the old one or the new one. */
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
 * An issuer's name cannot lead out of the folder, and two names never to one file; neither do two of several sources,
 * as no encoded name has a `+`.
 */
function nameOf({ name }: IssuerConfig, remote: RemoteKeysConfig): string {
  const which = remote.algorithms === undefined ? '' : `+${hashOf(remote).slice(0, HASH_CHARACTERS)}`;
  return `keyset-${encodeURIComponent(name)}${which}.json`;
}

/** The address is hashed, because its query can hold a secret. */
function hashOf(remote: RemoteKeysConfig): string {
  return createHash('sha256').update(`${remote.kind} ${remote.url}`).digest('base64url');
}

/** What a kept set belongs to. */
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
