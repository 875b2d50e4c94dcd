import { readdirSync, readlinkSync } from 'node:fs';

/** Open file descriptors of a process by their kind, such as `socket` or `pipe`, or the file's name. */
export type Descriptors = ReadonlyMap<string, number>;

/** None when the process has ended. */
export function descriptorsOf(pid: number): Descriptors {
  const kinds = new Map<string, number>();
  for (const fd of fdsOf(pid)) {
    let link: string;
    try {
      link = readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      continue; // Closed since it was listed.
    }
    const kind = link.replace(/^anon_inode:\[?(\w+)\]?$/, '$1').replace(/:\[\d+\]$/, '');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return kinds;
}

function fdsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** The most of each kind. */
export function mostOf(all: readonly Descriptors[]): Descriptors {
  const most = new Map<string, number>();
  for (const one of all) {
    for (const [kind, count] of one) most.set(kind, Math.max(most.get(kind) ?? 0, count));
  }
  return most;
}

/** The kinds that have grown, in words; empty: none. */
export function growth(before: Descriptors, now: Descriptors): readonly string[] {
  return [...now].flatMap(([kind, count]) => {
    const was = before.get(kind) ?? 0;
    return count > was ? [`${count} of ${kind} in place of ${was}`] : [];
  });
}

export function countOf(descriptors: Descriptors): number {
  return [...descriptors.values()].reduce((sum, count) => sum + count, 0);
}
