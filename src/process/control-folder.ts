import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../lib/start-error.ts';

/** The folder with the control socket of the service, for callers outside the service. */
export const SERVICE_FOLDER = '/run/portcullis/control';
const NAME = /^(\d{1,10})\.sock$/;

/**
 * The folder for the control sockets of this user's gateways: in the folder that systemd made for the service
 * (RuntimeDirectory=), else in the folder of the session, else in the folder for temporary files.
 */
export function controlFolder(env: NodeJS.ProcessEnv): string {
  const runtime = env['RUNTIME_DIRECTORY']?.split(':')[0];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'control');
  const session = env['XDG_RUNTIME_DIR'];
  if (session?.startsWith('/')) return join(session, 'portcullis');
  return join(tmpdir(), `portcullis-${process.getuid?.() ?? 'user'}`);
}

/** Makes the folder if it is missing. @throws StartError when another user could put a socket into it. */
export function makeControlFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  assertPrivate(folder);
}

/** Removes the folder when no other gateway has a socket in it. Never throws: a folder that stays does no harm. */
export function leaveControlFolder(folder: string): void {
  controlledPids(folder, true);
  try {
    rmdirSync(folder);
  } catch {
    // Another gateway uses it, or has just removed it.
  }
}

/** @throws StartError */
export function assertPrivate(folder: string): void {
  const { uid, mode } = lstatSync(folder);
  const isFolder = lstatSync(folder).isDirectory();
  if (!isFolder || uid !== process.getuid?.() || (mode & 0o077) !== 0) {
    throw new StartError(`${folder} is not a folder of this user alone; must be one with mode 0700`);
  }
}

export function socketOf(folder: string, pid: number): string {
  return join(folder, `${pid}.sock`);
}

/** Lets only this user connect, with any umask. */
export function closeToOthers(path: string): void {
  chmodSync(path, 0o600);
}

/** Pids of living processes with a socket in the folder. @param sweep removes the sockets of processes that ended. */
export function controlledPids(folder: string, sweep = false): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // There is no folder, or this user may not read it.
  }
  const pids: number[] = [];
  for (const name of names) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (Number.isNaN(pid)) continue;
    if (lives(pid)) pids.push(pid);
    else if (sweep) rmSync(join(folder, name), { force: true });
  }
  return pids;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
