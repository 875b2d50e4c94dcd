import type { Stats } from 'node:fs';
import { lstat, mkdir, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StartError } from '../lib/start-error.ts';

/** Links on the way to a folder; the kernel gives up at 40 as well (path_resolution(7)). */
const MAX_LINKS = 40;

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
/** In such a folder only the owner of a name, or of the folder, may rename or remove it. */
const STICKY = 0o1000;

/**
 * Makes a folder for this user alone where there is none, and makes sure that nobody else can change what it holds.
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
export async function isTrusted(folder: string): Promise<boolean> {
  let at = '/';
  let links = 0;
  const rest = partsOf(resolve(folder));
  for (;;) {
    const stats = await statOf(at);
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw refusal(at, 'is one of too many links', 'name the folder itself');
      assertOwner(at, stats);
      const target = await readlink(at);
      rest.unshift(...partsOf(target));
      at = target.startsWith('/') ? '/' : dirname(at);
      continue;
    }
    const isLast = rest.every((part) => part === '.');
    assertFolder(at, stats, isLast);
    const part = rest.shift();
    if (part === undefined) return true;
    at = join(at, part);
  }
}

/** @throws StartError unless it is a plain file that only this user and root can change. */
export function assertFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw refusal(path, 'is no plain file', 'remove it');
  assertOwner(path, stats);
  if ((stats.mode & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) throw writable(path, stats, 'chmod 600');
}

/** The sentence for what must not be trusted: what it is, and the remedy. */
export function refusal(path: string, fault: string, remedy: string): StartError {
  return new StartError(`state: ${path} ${fault}, so others could decide whose tokens are let in: ${remedy}`);
}

function assertFolder(path: string, stats: Stats, isLast: boolean): void {
  if (!stats.isDirectory()) throw refusal(path, 'is no folder', 'remove it, or choose another with state:');
  assertOwner(path, stats);
  const { mode } = stats;
  if (isLast && (mode & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) {
    throw writable(path, stats, 'chmod 700');
  }
  const forbidden = isOwnGroup(stats.gid) ? WRITABLE_BY_OTHERS : WRITABLE_BY_OTHERS | WRITABLE_BY_GROUP;
  if ((mode & STICKY) === 0 && (mode & forbidden) !== 0) throw writable(path, stats, 'chmod go-w');
}

function assertOwner(path: string, { uid }: Stats): void {
  const own = process.geteuid?.();
  if (uid === 0 || uid === own) return;
  throw refusal(path, `belongs to user ${uid}`, `it must belong to user ${own} or root (chown)`);
}

/** Above the folder, a group counts as this user's when he is in it: his own one, or a volume's for containers. */
function isOwnGroup(gid: number): boolean {
  return gid === 0 || gid === process.getegid?.() || process.getgroups?.().includes(gid) === true;
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
