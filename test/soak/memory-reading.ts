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

/** The name of a process's socket in the soak's folder. */
export const probeName = (pid: number): string => `memory-${pid}`;

/** Makes a process collect its garbage, and reads its memory; undefined when the process has ended. */
export async function readMemory(folder: string, pid: number): Promise<MemoryReading | undefined> {
  const socket = connect(join(folder, probeName(pid)));
  let text = '';
  try {
    for await (const piece of socket.setEncoding('utf8')) text += piece;
  } catch {
    return undefined; // Killed, which leaves the socket's file.
  }
  if (text === '') return undefined;
  const { heapUsed, external, rss } = JSON.parse(text) as NodeJS.MemoryUsage;
  return { live: (heapUsed + external) / MIB, resident: rss / MIB };
}
