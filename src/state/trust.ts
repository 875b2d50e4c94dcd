import type { Stats } from 'node:fs';
import { lstat, mkdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StartError } from '../lib/start-error.ts';

/** Links on the way to a folder; the kernel gives up at 40 as well (path_resolution(7)). */
const MAX_LINKS = 40;

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
/** In such a folder only the owner of a name, or of the folder, may rename or remove it. */
const STICKY = 0o1000;

/** Users and groups whose writing is trusted. */
export interface Trust {
  /** Trusted users besides root. */
  readonly users: readonly (number | undefined)[];
  /** Groups besides root's whose users may write above the folder. */
  readonly groups: readonly (number | undefined)[];
}

/**
 * Makes a folder for this user alone if there is none, and checks that no other user can change its content.
 * @throws StartError with the path and the remedy; the file system's error.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isTrusted(folder)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await isTrusted(folder))) throw refusal(folder, 'was removed at once', 'choose another with state:');
}

/**
 * Checks every folder from the root to this one: another user who may write to one of them could replace this folder.
 * @returns whether the folder exists.
 * @throws StartError as `makeFolder`.
 */
export async function isTrusted(folder: string, trust: Trust = ownTrust()): Promise<boolean> {
  let at = '/';
  let links = 0;
  const rest = partsOf(resolve(folder));
  for (;;) {
    const stats = await statOf(at);
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw refusal(at, 'is one of too many links', 'name the folder itself');
      assertOwner(at, stats, trust);
      const target = await readlink(at);
      rest.unshift(...partsOf(target));
      at = target.startsWith('/') ? '/' : dirname(at);
      continue;
    }
    const isLast = rest.every((part) => part === '.');
    assertFolder(at, stats, isLast, trust);
    const part = rest.shift();
    if (part === undefined) return true;
    at = join(at, part);
  }
}

/** Trusts this user and, above the folder, its groups, such as that of a container's volume. */
export function ownTrust(): Trust {
  return {
    users: [process.geteuid?.()],
    groups: [process.getegid?.(), ...(process.getgroups?.() ?? [])],
  };
}

/**
 * Trusts the owner of a folder as well, for a process that only reads the files of the owner's gateway.
 * @throws the file system's error, except for a folder that does not exist.
 */
export async function ownerTrust(folder: string): Promise<Trust> {
  const { users, groups } = ownTrust();
  try {
    const { uid, gid } = await stat(folder);
    return { users: [...users, uid], groups: [...groups, gid] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { users, groups };
  }
}

/** @throws StartError unless this is a plain file that only trusted users can change. */
export function assertFile(path: string, stats: Stats, trust: Trust): void {
  if (!stats.isFile()) throw refusal(path, 'is no plain file', 'remove it');
  assertOwner(path, stats, trust);
  if ((stats.mode & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) throw writable(path, stats, 'chmod 600');
}

/** The error for a path that must not be trusted. */
export function refusal(path: string, fault: string, remedy: string): StartError {
  return new StartError(`state: ${path} ${fault}, so others could decide whose tokens are let in: ${remedy}`);
}

function assertFolder(path: string, stats: Stats, isLast: boolean, trust: Trust): void {
  if (!stats.isDirectory()) throw refusal(path, 'is no folder', 'remove it, or choose another with state:');
  assertOwner(path, stats, trust);
  const { mode, gid } = stats;
  if (isLast && (mode & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) {
    throw writable(path, stats, 'chmod 700');
  }
  const isKnown = gid === 0 || trust.groups.includes(gid);
  const forbidden = isKnown ? WRITABLE_BY_OTHERS : WRITABLE_BY_OTHERS | WRITABLE_BY_GROUP;
  if ((mode & STICKY) === 0 && (mode & forbidden) !== 0) throw writable(path, stats, 'chmod go-w');
}

function assertOwner(path: string, { uid }: Stats, { users }: Trust): void {
  if (uid === 0 || users.includes(uid)) return;
  throw refusal(path, `belongs to user ${uid}`, `it must belong to user ${users.at(-1)} or root (chown)`);
}

function writable(path: string, { mode }: Stats, remedy: string): StartError {
  return refusal(
    path,
    `may be written by others (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`,
    remedy,
  );
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
