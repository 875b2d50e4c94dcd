import { connect } from 'node:net';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** The memory of a process right after a full garbage collection, in MiB. */
export interface MemoryReading {
  /** What the program still refers to: objects, and the buffers behind them. */
  readonly live: number;
  /** All pages of the process in memory: also those of native code, and free ones that it keeps. */
  readonly resident: number;
}

/** The names of a process's sockets in the soak's folder. */
export const probeName = (pid: number): string => `memory-${pid}`;
export const snapshotName = (pid: number): string => `snapshot-${pid}`;

/** Makes a process collect its garbage, and reads its memory; undefined when the process has ended. */
export async function readMemory(folder: string, pid: number): Promise<MemoryReading | undefined> {
  const text = await textOf(join(folder, probeName(pid)));
  if (text === '') return undefined;
  const { heapUsed, external, rss } = JSON.parse(text) as NodeJS.MemoryUsage;
  return { live: (heapUsed + external) / MIB, resident: rss / MIB };
}

/** Makes a process write a heap snapshot. @returns its file; empty when the process has ended. */
export function takeSnapshot(folder: string, pid: number): Promise<string> {
  return textOf(join(folder, snapshotName(pid)));
}

/** What a process sends at its socket; empty when it has ended. */
async function textOf(path: string): Promise<string> {
  const socket = connect(path);
  let text = '';
  try {
    for await (const piece of socket.setEncoding('utf8')) text += piece;
  } catch {
    return ''; // Killed, which leaves the socket's file.
  }
  return text;
}
