import type { Status } from './gateway.ts';
import type { Ledger } from './ledger.ts';
import type { Watch } from './watch.ts';

/**
 * MiB by which a process may grow in the last half. V8 lets its heap breathe by some ten MiB, and bodies of megabytes
 * come and go; a leak of 200 bytes for each request would come to 60 MiB in the last half of thirty minutes.
 */
const GROWTH_MIB = 32;
/** Sockets beyond those at the start: a connection of the admin address that is about to end. */
const SPARE_SOCKETS = 2;
/** Seconds between two readings of a listener's counts; a killed one takes what it counted since with it. */
const LOST_SECONDS = 6;

export interface Findings {
  readonly seconds: number;
  readonly ledger: Ledger;
  readonly watch: Watch;
  readonly supervisor: number;
  readonly listeners: Status['listeners'];
  readonly before: { readonly supervisor: number; readonly listener: number };
  readonly sockets: { readonly supervisor: number; readonly listeners: readonly number[] };
  /** Requests by the gateway's own count. */
  readonly counted: number;
  readonly kills: number;
  readonly exitCode: number | null;
  readonly say: (line: string) => void;
}

/** Prints what was found, and names every fault. */
export function judge(found: Findings): readonly string[] {
  const { ledger, say, sockets, before, exitCode } = found;
  const faults: string[] = [];
  for (const [kind, outcomes] of [...ledger.outcomes].sort()) {
    say(`  ${kind.padEnd(16)} ${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`);
  }
  faults.push(...ledger.unexplained);
  if (ledger.unexplainedCount > 0) faults.push(`${ledger.unexplainedCount} outcomes are not explained`);
  faults.push(...judgeMemory(found));
  say(
    `sockets: supervisor ${before.supervisor} → ${sockets.supervisor}, listeners ${before.listener} → ${sockets.listeners.join(', ')}`,
  );
  if (sockets.supervisor > before.supervisor + SPARE_SOCKETS) faults.push('the supervisor leaks sockets');
  for (const count of sockets.listeners) {
    if (count > before.listener + SPARE_SOCKETS) faults.push('a listener leaks sockets');
  }
  if (found.listeners.length !== 2) faults.push(`${found.listeners.length} listeners are left in place of 2`);
  faults.push(...judgeCounts(found));
  if (exitCode !== 0) faults.push(`the gateway ended with ${exitCode}`);
  return faults;
}

function judgeMemory({ watch, seconds, supervisor, listeners, say }: Findings): readonly string[] {
  const faults: string[] = [];
  let judged = 0;
  for (const [name, pid] of [
    ['supervisor', supervisor],
    ...listeners.map(({ pid }) => ['listener', pid]),
  ] as const) {
    const samples = (watch.samples.get(pid as number) ?? []).map(({ residentMiB }) => residentMiB);
    const growth = watch.growth(pid as number, seconds / 2, seconds);
    const [first = 0, half = 0, last = 0] = [samples[0], samples[samples.length >> 1], samples.at(-1)];
    const shown =
      growth === undefined ? 'too young to be judged' : `${growth.toFixed(1)} MiB in the last half`;
    say(`memory: ${name} ${[first, half, last].map((mib) => mib.toFixed(0)).join(' → ')} MiB, ${shown}`);
    if (growth === undefined) continue;
    judged += 1;
    if (growth > GROWTH_MIB) faults.push(`${name} grew by ${growth.toFixed(1)} MiB in the last half`);
  }
  // The supervisor, and the listener that was left alone.
  if (judged < 2) faults.push('no listener lived long enough for its memory to be judged');
  return faults;
}

/** The gateway counts each request once: not fewer than were answered, but for what killed listeners knew alone. */
function judgeCounts({ ledger, counted, kills, seconds, say }: Findings): readonly string[] {
  const sent = ledger.total();
  const lost = Math.ceil((kills * LOST_SECONDS * sent) / seconds);
  const unsure =
    ledger.total('left') +
    ledger.total('its listener was killed') +
    ledger.total('not accepted yet when its listener was replaced');
  say(`requests: ${sent} sent, ${counted} counted by the gateway, ${kills} listeners killed`);
  if (counted > sent) return [`the gateway counts ${counted} requests, of ${sent}`];
  if (counted < sent - unsure - lost) return [`the gateway counts ${counted} requests, of ${sent}`];
  return [];
}
