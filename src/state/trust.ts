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

/** Who may have written what is read. */
export interface Trust {
  /** Besides root. */
  readonly users: readonly (number | undefined)[];
  /** Besides root's: whose members may write above the folder. */
  readonly groups: readonly (number | undefined)[];
}

/**
 * Makes a folder for this user alone where there is none, and makes sure that no other user can change what it holds.
 * @throws StartError with the path and the remedy; what the file system says.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isTrusted(folder)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await isTrusted(folder))) throw refusal(folder, 'was removed at once', 'choose another with state:');
}

/**
 * Walks from the root to a folder. Another user who may write anywhere on the way could put another folder in its
 * place.
 * @returns whether it is there.
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

/** Only this user, and above the folder its groups: its own one, or a volume's for containers. */
export function ownTrust(): Trust {
  return {
    users: [process.geteuid?.()],
    groups: [process.getegid?.(), ...(process.getgroups?.() ?? [])],
  };
}

/**
 * The owner of a folder as well, for one who only looks at what the owner's program goes by.
 * @throws what the file system says; a folder that is not there has no owner.
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

/** @throws StartError unless it is a plain file that only those who are trusted can change. */
export function assertFile(path: string, stats: Stats, trust: Trust): void {
  if (!stats.isFile()) throw refusal(path, 'is no plain file', 'remove it');
  assertOwner(path, stats, trust);
  if ((stats.mode & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) throw writable(path, stats, 'chmod 600');
}

/** The sentence for what must not be trusted: what it is, and the remedy. */
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
