import type { Metrics, Status } from './admin.ts';
import { WORKERS } from './config.ts';
import { countFaults } from './counts.ts';
import { countOf, type Descriptors, descriptorsOf, growth } from './descriptors.ts';
import type { Disturbance } from './disturbances.ts';
import type { SoakGateway } from './gateway.ts';
import type { Ledger } from './ledger.ts';
import { type Judged, memoryOf } from './memory.ts';
import type { Watch } from './watch.ts';

/** Descriptors in a quiet moment after the warm-up. */
export interface Baseline {
  readonly supervisor: Descriptors;
  readonly listener: Descriptors;
}

export interface Findings {
  readonly gateway: SoakGateway;
  readonly ledger: Ledger;
  readonly watch: Watch;
  readonly judged: readonly Judged[];
  readonly baseline: Baseline;
  /** What each process has open in the last quiet moment, by its PID. */
  readonly open: ReadonlyMap<number, Descriptors>;
  /** In the last quiet moment. */
  readonly status: Status;
  readonly metrics: Metrics;
  readonly disturbances: ReadonlyMap<Disturbance, number>;
  /** Connections of clients that ended with a listener. */
  readonly doomed: number;
  readonly say: (line: string) => void;
}

/** Log messages above `info` where nothing is wrong with the gateway, and their cause and number. */
const alarms: readonly (readonly [message: string, causes: readonly Disturbance[], often: 'each' | 'any'])[] =
  [
    ['a listener process died and is replaced', ['listener kill'], 'each'],
    [
      'the configuration was not reloaded: it has faults; the old one stays',
      ['bad reload', 'bad renewal'],
      'each',
    ],
    // Only where the gateway looks at the file before the good pair is back.
    ['files have changed, and what they hold cannot serve: the old stays', ['bad renewal'], 'any'],
    ['the keys cannot be fetched', ['issuer outage'], 'any'],
  ];

/** Messages that the traffic and the configuration of a soak cause all the time. */
const usual: readonly RegExp[] = [
  /^(an answer|more answers) of an upstream server (was|were) refused$/,
  /^an upstream server is (down|up again)$/,
  /: upstreams\.b\d: is used by no route; /,
  /: state: does not exist and is made at start; /,
  /: listen\[0\]\.tls\.certificates: .* holds a chain whose last issuer is no public root; /,
];

/** Prints the findings, and names every fault. */
export function verdictOf(found: Findings): readonly string[] {
  const { ledger, metrics, watch, judged, say, doomed } = found;
  say('requests');
  for (const [kind, outcomes] of [...ledger.kinds].sort()) {
    say(`  ${kind.padEnd(30)} ${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`);
  }
  const counted = metrics.sum('portcullis_requests_total');
  say(`  ${'all'.padEnd(30)} ${ledger.total}; ${counted} counted by the gateway, ${ledger.lost} may be lost`);
  say('disturbances');
  for (const [name, count] of [...found.disturbances].sort()) say(`  ${name.padEnd(30)} ${count}`);
  say(`  ${'connections that were killed'.padEnd(30)} ${doomed}`);
  say('memory');
  const memory = judged.map((one) => memoryOf(watch, one));
  for (const { lines } of memory) for (const line of lines) say(`  ${line}`);
  return [
    ...(ledger.unexplainedCount === 0 ? [] : [`${ledger.unexplainedCount} outcomes are not explained`]),
    ...memory.flatMap(({ faults }) => faults),
    ...descriptorFaults(found),
    ...countFaults(ledger, metrics),
    ...stateFaults(found),
    ...logFaults(found),
  ];
}

function descriptorFaults({ gateway, status, open, baseline, say }: Findings): readonly string[] {
  const processes: readonly (readonly [name: string, pid: number, before: Descriptors])[] = [
    ['supervisor', gateway.pid, baseline.supervisor],
    ...status.listeners.map(({ pid }) => ['listener', pid, baseline.listener] as const),
  ];
  say('file descriptors after the warm-up and at the end');
  return processes.flatMap(([name, pid, before]) => {
    const now = open.get(pid) ?? descriptorsOf(pid);
    say(`  ${name.padEnd(12)} ${countOf(before)} → ${countOf(now)}`);
    return growth(before, now).map((what) => `${name} leaks descriptors: ${what}`);
  });
}

/** The gateway's own figures when no client is left. */
function stateFaults({ status, metrics, disturbances }: Findings): readonly string[] {
  const { listeners } = status;
  const faults: string[] = [];
  const check = (what: string, is: number, wanted: number): void => {
    if (is !== wanted) faults.push(`${is} ${what} in place of ${wanted}`);
  };
  check('listeners', listeners.length, WORKERS);
  check(
    'client connections',
    listeners.reduce((sum, { connections }) => sum + connections, 0),
    0,
  );
  check('upstream connections', metrics.sum('portcullis_upstream_connections'), 0);
  check('tunnels', metrics.sum('portcullis_tunnels'), 0);
  check('tokens in the queue', metrics.sum('portcullis_verify_queue_depth'), 0);
  check('deaths', metrics.sum('portcullis_listener_deaths_total'), disturbances.get('listener kill') ?? 0);
  return faults;
}

function logFaults({ gateway: { log }, disturbances }: Findings): readonly string[] {
  const faults = log.odd.map((text) => `the log has a line that is no JSON: ${text}`);
  const known = new Map(alarms.map(([message, ...rest]) => [message, rest] as const));
  for (const [message, [causes, often]] of known) {
    const is = log.alarms.get(message) ?? 0;
    const wanted = causes.reduce((sum, cause) => sum + (disturbances.get(cause) ?? 0), 0);
    if (often === 'each' ? is !== wanted : is > 0 && wanted === 0) {
      faults.push(
        `the log says ${is} times "${message}", and there was ${wanted} times a ${causes.join(' or ')}`,
      );
    }
  }
  for (const message of log.alarms.keys()) {
    if (known.has(message) || usual.some((pattern) => pattern.test(message))) continue;
    faults.push(...log.kept.filter((line) => line.includes(JSON.stringify(message))));
  }
  return faults;
}
