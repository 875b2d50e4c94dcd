import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Connection } from './connection.ts';
import type { SoakGateway } from './gateway.ts';
import { takeSnapshot } from './memory-reading.ts';
import type { SoakRequest } from './request.ts';
import type { SoakUpstream } from './upstream.ts';

/** What is to be known of an exchange that hangs, while its connection is still open. */
export type HangReport = (connection: Connection, request?: SoakRequest) => Promise<string>;

/** Metrics that show where requests wait. */
const TELLING = /^portcullis_(?:verify_queue_depth|upstream_connections)\b.*$/gm;

/**
 * Reports of hangs in this soak.
 * @param wantsSnapshot the first one leaves a heap snapshot of the worker in the gateway's folder. The worker stands still
 * meanwhile: for a second, or on a busy machine for so long that the supervisor kills it.
 */
export function hangReportOf(
  gateway: SoakGateway,
  upstreams: readonly SoakUpstream[],
  wantsSnapshot: boolean,
): HangReport {
  let mayTake = wantsSnapshot;
  return async ({ port }, request) => {
    const path = request?.head.split(' ', 2)[1];
    const seen = (path === undefined ? [] : upstreams).map(
      (one) => `upstream ${one.name} ${one.seen.describe(path ?? '')}`,
    );
    const sockets = await ss('-tanopiH', `( sport = :${port} or dport = :${port} )`);
    const queues = await ss('-ltnpH', `( sport = :${gateway.port} )`);
    const { listeners } = await gateway.admin.status();
    const metrics = (await gateway.admin.metrics()).lines(TELLING);
    const pids = Array.from(sockets.matchAll(/pid=(\d+)/g), ([, pid]) => Number(pid));
    const worker = listeners.find(({ pid }) => pids.includes(pid));
    const lines = [...seen, sockets, queues, `worker ${JSON.stringify(worker ?? listeners)}`, ...metrics];
    if (worker !== undefined && mayTake) {
      mayTake = false;
      lines.push(`snapshot ${await takeSnapshot(gateway.folder, worker.pid)}`);
    }
    return lines.map((line) => `\n    ${line.trimEnd()}`).join('');
  };
}

/** Sockets with their unread and unsent bytes, or, of those that listen, the connections that none has accepted. */
async function ss(flags: string, filter: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ss', [flags, filter]);
  return `ss ${flags}: ${stdout.replaceAll('\n', '\n    ')}`;
}
