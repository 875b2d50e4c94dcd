import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Connection } from './connection.ts';

/** States in /proc/net/tcp of connections that a client may take for established: also those whose first bytes are yet to come. */
const MADE = ['01', '03'];

/**
 * Kills a worker, and marks the connections that end with it: those that it has accepted, and those that no worker has
 * accepted yet, which may be in its queue. It is stopped before, so that it accepts no more during the look-up; all
 * clients live on the event loop that this blocks, so none comes meanwhile.
 */
export function killWorker(pid: number, port: number, connections: Iterable<Connection>): number {
  process.kill(pid, 'SIGSTOP');
  while (stateOf(pid) !== 'T') {
    // The kernel stops it on its next way out of the kernel, which is at once.
  }
  const doomed = clientPorts(port, inodesOf(pid));
  let count = 0;
  for (const connection of connections) {
    // A connection in the making has no port to look up, and may be in the worker's queue.
    if (connection.port !== undefined && !doomed.has(connection.port)) continue;
    connection.isDoomed = true;
    count += 1;
  }
  process.kill(pid, 'SIGKILL');
  while (stateOf(pid) !== undefined) {
    // Its sockets are open, and new connections land in their queues, until its last thread has ended, which is later
    // than its first one (state Z); then the supervisor sees its end.
  }
  return count;
}

/** One letter; undefined when the process has ended. */
function stateOf(pid: number): string | undefined {
  try {
    return /^\d+ \(.*\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

function inodesOf(pid: number): ReadonlySet<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** Ports of clients whose connections to `port` belong to one of these, or to no process yet. */
function clientPorts(port: number, inodes: ReadonlySet<string>): ReadonlySet<number> {
  const found = new Set<number>();
  const [, ...rows] = readFileSync('/proc/net/tcp', 'utf8').trimEnd().split('\n');
  for (const row of rows) {
    const [, local = '', remote = '', state, , , , , , inode = ''] = row.trim().split(/\s+/);
    if (portOf(local) !== port || !MADE.includes(state ?? '')) continue;
    if (inode === '0' || inodes.has(inode)) found.add(portOf(remote));
  }
  return found;
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16);
