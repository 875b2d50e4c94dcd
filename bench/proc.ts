import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: the unit of times in /proc/PID/stat is 1/100 s on every Linux port that Node runs on. */
const MICROS_PER_TICK = 10_000;

/** Times in clock ticks; `reaped` belongs to subprocesses that have ended and were waited for. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly user: number;
  readonly system: number;
  readonly reapedUser: number;
  readonly reapedSystem: number;
}

/** Parses a line of /proc/PID/stat (proc(5)); the sums cover all threads of the process. */
export function parseStat(line: string): ProcessStat {
  // The command name stands in parentheses and may itself contain spaces and parentheses, so the last one counts.
  const close = line.lastIndexOf(')');
  const fields = line
    .slice(close + 1)
    .trim()
    .split(' ');
  // Field 3 of the manual page, the state, is the first one after the name.
  const field = (number: number): number => {
    const value = Number(fields[number - 3]);
    if (close === -1 || !Number.isSafeInteger(value)) throw new Error('not a line of /proc/PID/stat');
    return value;
  };
  return {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    user: field(14),
    system: field(15),
    reapedUser: field(16),
    reapedSystem: field(17),
  };
}

/**
 * Resident memory in bytes, from the text of /proc/PID/status: the peak (VmHWM), or the present (VmRSS); 0 for a
 * process without memory (a zombie).
 */
export function parseMemory(status: string, field: 'VmHWM' | 'VmRSS'): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? 0 : Number(match[1]) * 1024;
}

/** The process and all its descendants, of all processes of the machine. */
export function treeOf(root: number, all: readonly ProcessStat[]): ProcessStat[] {
  const tree = all.filter((process) => process.pid === root);
  for (const member of tree) {
    // The list grows during the loop: subprocesses of subprocesses follow in turn.
    tree.push(...all.filter((process) => process.parent === member.pid));
  }
  return tree;
}

/** CPU time of processes in microseconds, user and system, including subprocesses that have ended. */
export function cpuMicrosOf(processes: readonly ProcessStat[]): number {
  let ticks = 0;
  for (const process of processes) {
    ticks += process.user + process.system + process.reapedUser + process.reapedSystem;
  }
  return ticks * MICROS_PER_TICK;
}

/** Text of a file below /proc; undefined when its process has ended meanwhile. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function allProcesses(): ProcessStat[] {
  const found: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = readProc(`${name}/stat`);
    if (line !== undefined) found.push(parseStat(line));
  }
  return found;
}

/** CPU microseconds that a process and its descendants have used so far. */
export function cpuMicros(root: number): number {
  const tree = treeOf(root, allProcesses());
  if (tree.length === 0) throw new Error(`process ${root} is gone`);
  return cpuMicrosOf(tree);
}

/** CPU microseconds of the subprocesses of this process that have ended. */
export function cpuMicrosOfEnded(): number {
  const { reapedUser, reapedSystem } = parseStat(readFileSync('/proc/self/stat', 'latin1'));
  return (reapedUser + reapedSystem) * MICROS_PER_TICK;
}

function memoryOf(processes: readonly ProcessStat[], field: 'VmHWM' | 'VmRSS'): number {
  return processes
    .map(({ pid }) => parseMemory(readProc(`${pid}/status`) ?? '', field))
    .reduce((sum, bytes) => sum + bytes, 0);
}

/** The numbers of a process and its descendants. */
export function pidsBelow(root: number): readonly number[] {
  return treeOf(root, allProcesses()).map(({ pid }) => pid);
}

/** Bytes: the sum of the peaks of a process and its descendants. */
export function peakMemory(root: number): number {
  return memoryOf(treeOf(root, allProcesses()), 'VmHWM');
}

/** Present bytes of a process and its descendants. */
export function presentMemory(root: number): number {
  return memoryOf(treeOf(root, allProcesses()), 'VmRSS');
}

/** Present bytes of the descendants of a process, such as the workers of a gateway. */
export function memoryBelow(root: number): number {
  const below = treeOf(root, allProcesses()).filter(({ pid }) => pid !== root);
  return memoryOf(below, 'VmRSS');
}
