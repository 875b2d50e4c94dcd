import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { FileError, readTextFile } from '../source/text-file.ts';

/** Bytes of a file. The list of mounts is the longest; on a host with thousands of containers it is shorter. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** A hierarchy of control groups that can limit CPU time, as this process sees it. */
interface Hierarchy {
  /** The folder of its topmost visible group. */
  readonly mountPoint: string;
  /** Folder of the group of this process, below the mount point or the same. */
  readonly group: string;
  readonly quota: (folder: string) => number;
}

/**
 * Cores that this process may keep busy, at least 1: the CPUs of its affinity, limited by the CPU quota of its control
 * groups.
 *
 * The count of the system is not enough. Node.js 20 ignores quotas. The libuv of Node.js 22 ignores a quota below one
 * core, the quotas of parent groups in version 1, and version 1 beside a version 2 that is listed first or alone.
 *
 * The result is rounded down, so 1.9 is 1: the kernel stops a process with a used-up quota, with all its threads, until
 * the next period, up to 100 ms. That is worse than one process less. The supervisor and the garbage collector use the
 * rest.
 * @param options the CPUs of the process's affinity, and the folder that stands for `/`.
 */
export function availableCores(options: { readonly affinity?: number; readonly root?: string } = {}): number {
  const { affinity = availableParallelism(), root = '/' } = options;
  return Math.max(1, Math.floor(Math.min(affinity, cpuQuota(root))));
}

/** The quota in cores; Infinity without one. Each parent group may have a quota too; the smallest counts. */
function cpuQuota(root: string): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const { mountPoint, group, quota } of hierarchies(root)) {
    for (let folder = group; ; folder = dirname(folder)) {
      smallest = Math.min(smallest, quota(join(root, folder)));
      if (folder === mountPoint || folder === '/') break;
    }
  }
  return smallest;
}

/** Versions 1 and 2 may exist side by side; only one of them controls the CPU. */
function hierarchies(root: string): readonly Hierarchy[] {
  const groups = read(join(root, 'proc/self/cgroup'))
    .split('\n')
    .map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []);
  const unified = groups.find(([, id, controllers]) => id === '0' && controllers === '')?.[3];
  const cpu = groups.find(([, , controllers = '']) => controllers.split(',').includes('cpu'))?.[3];
  return read(join(root, 'proc/self/mountinfo'))
    .split('\n')
    .flatMap((line): Hierarchy[] => {
      // proc_pid_mountinfo(5): the mounted folder of the file system, the mount point; behind a dash the type and options.
      const [, from = '', mountPoint = '', type = '', options = ''] =
        /^\d+ \d+ \S+ (\S+) (\S+) .* - (\S+) \S+ (\S+)$/.exec(line) ?? [];
      if (type === 'cgroup2') return hierarchy(unified, from, mountPoint, quotaOfVersion2);
      return type === 'cgroup' && options.split(',').includes('cpu')
        ? hierarchy(cpu, from, mountPoint, quotaOfVersion1)
        : [];
    });
}

/** Undefined if this process is in no such group or the mount does not show its group. */
function hierarchy(
  path: string | undefined,
  from: string,
  escapedMountPoint: string,
  quota: Hierarchy['quota'],
): Hierarchy[] {
  if (path === undefined) return [];
  const mountPoint = plain(escapedMountPoint);
  const top = plain(from);
  // A process outside of its namespace's root is shown as /../other; only the root is visible then.
  const inside = join('/', path);
  if (top === '/') return [{ mountPoint, group: join(mountPoint, inside), quota }];
  if (inside !== top && !inside.startsWith(`${top}/`)) return [];
  return [{ mountPoint, group: join(mountPoint, inside.slice(top.length)), quota }];
}

/** Decodes blanks and similar characters, which are written as a backslash and three octal digits. */
function plain(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** `max 100000`, `150000 100000`: microseconds of CPU time in a period. */
function quotaOfVersion2(folder: string): number {
  const [quota = '', period = ''] = read(join(folder, 'cpu.max')).trim().split(' ');
  return ratio(quota, period);
}

/** A quota of -1 means no quota. */
function quotaOfVersion1(folder: string): number {
  return ratio(read(join(folder, 'cpu.cfs_quota_us')).trim(), read(join(folder, 'cpu.cfs_period_us')).trim());
}

function ratio(quota: string, period: string): number {
  const cores = /^\d+$/.test(quota) && /^\d+$/.test(period) ? Number(quota) / Number(period) : Number.NaN;
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

/** The text of a file, '' for a missing one: the topmost group has no quota, and other systems have no groups. */
function read(path: string): string {
  try {
    return readTextFile(path, MAX_FILE_BYTES);
  } catch (error) {
    if (error instanceof FileError) return '';
    throw error;
  }
}
