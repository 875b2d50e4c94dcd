import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { FileError, readTextFile } from '../source/text-file.ts';

/** The list of mounts is the longest file that is read; a host of thousands of containers stays below. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** A hierarchy of control groups that can limit CPU time, as this process sees it. */
interface Hierarchy {
  /** The folder that shows its topmost visible group. */
  readonly mountPoint: string;
  /** Folder of the group of this process, below the mount point or the same. */
  readonly group: string;
  readonly quota: (folder: string) => number;
}

/**
 * Cores that this process may keep busy, at least 1: the CPUs it is bound to, and no more than the CPU quota of its
 * control groups pays for.
 *
 * The system's own count does not do: Node.js 20 does not look at quotas, and the libuv of Node.js 22 ignores one below
 * a core, those of the groups above in version 1, and version 1 beside a version 2 that is listed first or alone.
 *
 * A part of a core is left out, so that 1.9 is 1. A process that uses up its quota is stopped with all its threads until the next
 * period, up to 100 ms, which is worse than one listener less; the rest goes to the supervisor and the collection of
 * garbage.
 * @param options the CPUs of the process's affinity, and the folder that stands for `/`.
 */
export function availableCores(options: { readonly affinity?: number; readonly root?: string } = {}): number {
  const { affinity = availableParallelism(), root = '/' } = options;
  return Math.max(1, Math.floor(Math.min(affinity, cpuQuota(root))));
}

/** In cores; Infinity where there is none. Each group above may have one too, and the smallest is the one that bites. */
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

/** Version 1 and 2 may be there side by side; only one of them has the CPU. */
function hierarchies(root: string): readonly Hierarchy[] {
  const groups = read(join(root, 'proc/self/cgroup'))
    .split('\n')
    .map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []);
  const unified = groups.find(([, id, controllers]) => id === '0' && controllers === '')?.[3];
  const cpu = groups.find(([, , controllers = '']) => controllers.split(',').includes('cpu'))?.[3];
  return read(join(root, 'proc/self/mountinfo'))
    .split('\n')
    .flatMap((line): Hierarchy[] => {
      // proc_pid_mountinfo(5): the folder of the file system that is mounted, where; behind a dash the type and options.
      const [, from = '', mountPoint = '', type = '', options = ''] =
        /^\d+ \d+ \S+ (\S+) (\S+) .* - (\S+) \S+ (\S+)$/.exec(line) ?? [];
      if (type === 'cgroup2') return hierarchy(unified, from, mountPoint, quotaOfVersion2);
      return type === 'cgroup' && options.split(',').includes('cpu')
        ? hierarchy(cpu, from, mountPoint, quotaOfVersion1)
        : [];
    });
}

/** None where this process is in no such group, or the mount does not show it: another group's quota is not ours. */
function hierarchy(
  path: string | undefined,
  from: string,
  escapedMountPoint: string,
  quota: Hierarchy['quota'],
): Hierarchy[] {
  if (path === undefined) return [];
  const mountPoint = plain(escapedMountPoint);
  const top = plain(from);
  // A process outside of its own namespace's root is shown as /../other; what can be seen of it is that root.
  const inside = join('/', path);
  if (top === '/') return [{ mountPoint, group: join(mountPoint, inside), quota }];
  if (inside !== top && !inside.startsWith(`${top}/`)) return [];
  return [{ mountPoint, group: join(mountPoint, inside.slice(top.length)), quota }];
}

/** Blanks and the like are written as a backslash and three octal digits. */
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

/** A quota of -1 is none. */
function quotaOfVersion1(folder: string): number {
  return ratio(read(join(folder, 'cpu.cfs_quota_us')).trim(), read(join(folder, 'cpu.cfs_period_us')).trim());
}

function ratio(quota: string, period: string): number {
  const cores = /^\d+$/.test(quota) && /^\d+$/.test(period) ? Number(quota) / Number(period) : Number.NaN;
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

/** '' for what is not there: the topmost group has no quota, and other systems have no groups. */
function read(path: string): string {
  try {
    return readTextFile(path, MAX_FILE_BYTES);
  } catch (error) {
    if (error instanceof FileError) return '';
    throw error;
  }
}
