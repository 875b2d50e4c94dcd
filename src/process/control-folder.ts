import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../lib/start-error.ts';

/** Where the service has its control socket, for a caller outside of it. */
export const SERVICE_FOLDER = '/run/portcullis/control';
const NAME = /^(\d{1,10})\.sock$/;

/**
 * Where the control sockets of this user's gateways are: in the folder that systemd has made for the service
 * (RuntimeDirectory=), in that of the session, or below the folder for temporary files.
 */
export function controlFolder(env: NodeJS.ProcessEnv): string {
  const runtime = env['RUNTIME_DIRECTORY']?.split(':')[0];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'control');
  const session = env['XDG_RUNTIME_DIR'];
  if (session?.startsWith('/')) return join(session, 'portcullis');
  return join(tmpdir(), `portcullis-${process.getuid?.() ?? 'user'}`);
}

/** Makes the folder if need be. @throws StartError where another user could put another socket into it. */
export function makeControlFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  assertPrivate(folder);
}

/** Takes the folder away when no other gateway has its socket in it. Never throws: a folder that stays does no harm. */
export function leaveControlFolder(folder: string): void {
  controlledPids(folder, true);
  try {
    rmdirSync(folder);
  } catch {
    // Another gateway is in it, or has just taken it away.
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

/** This user alone, with any umask. */
export function closeToOthers(path: string): void {
  chmodSync(path, 0o600);
}

/** Pids that have a socket in the folder and live. @param sweep takes away the sockets of those that do not. */
export function controlledPids(folder: string, sweep = false): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // There is none, or it is not ours to see.
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
