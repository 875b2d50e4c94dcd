import { setTimeout as delay } from 'node:timers/promises';
import { haproxyJwtFor } from '../gateways/haproxy.ts';
import { nodeEngineUnavailable, portcullisForWebSockets } from '../gateways/portcullis.ts';
import { measureWebSockets } from '../load/websocket-measure.ts';
import { WebSockets, type WebSocketWork } from '../load/websockets.ts';
import {
  type Bench,
  type Contestant,
  includesOurs,
  inRounds,
  type Trial,
  tableOf,
  usualProbe,
  withGateways,
  writeTokens,
} from '../measure.ts';
import { presentMemory } from '../proc.ts';
import type { Measurement, ScenarioResult } from '../results.ts';
import { KNOWN_TOKENS } from '../scenarios.ts';
import { spreadOf } from '../stats.ts';
import { DOWNLOAD_BYTES, DOWNLOAD_PATH, Upstream } from '../upstream.ts';

/** WebSockets with messages under way. */
const BUSY = 100;
/** WebSockets that share one download. */
const DOWNLOADING = 4;
const GIB = 2 ** 30;
/** WebSockets that are open before the idle ones: what a process takes for its first ones is no cost of one more. */
const EARLIER = 1_000;
const IDLE = 4_000;
/** Clients that a gateway has room for, with those of probes. */
const ROOM = EARLIER + IDLE + 100;
/** Milliseconds without any message, for memory that is freed in idle time. */
const REST_MS = 10_000;
const QUICK_REST_MS = 500;

interface WebSocketTrial {
  readonly name: string;
  readonly description: string;
  readonly path: string;
  readonly connections: number;
  readonly bodyBytes?: number;
  work(bench: Bench): WebSocketWork;
  /** Called before the measurement. Returns remarks. */
  readonly prepare?: (bench: Bench, contestant: Contestant, clients: WebSockets) => Promise<string>;
}

const trials: readonly WebSocketTrial[] = [
  {
    name: 'ws-echo',
    description:
      'tokens in turn; WebSockets, each with one message of 64 bytes under way to upstream and back',
    path: '/echo',
    connections: BUSY,
    work: ({ options }) => ({ kind: 'echo', seconds: options.seconds, connections: BUSY }),
  },
  {
    name: 'ws-download',
    description: 'tokens in turn; WebSockets that get 1 GiB in messages of 64 KiB, of which each counts',
    path: DOWNLOAD_PATH,
    connections: DOWNLOADING,
    bodyBytes: DOWNLOAD_BYTES,
    work: ({ options }) => {
      const messages = Math.ceil((GIB / DOWNLOAD_BYTES) * options.share);
      return { kind: 'download', messages: messages - (messages % DOWNLOADING) };
    },
  },
  {
    name: 'ws-idle',
    description: `tokens in turn; messages as in ws-echo, beside ${EARLIER + IDLE} WebSockets that are silent`,
    path: '/echo',
    connections: BUSY,
    work: ({ options }) => ({ kind: 'echo', seconds: options.seconds, connections: BUSY }),
    prepare: addIdle,
  },
];

/** What a WebSocket costs. */
export const websockets: readonly Trial[] = trials.map((trial) => ({
  name: trial.name,
  unavailable: nodeEngineUnavailable,
  run: (bench) => run(bench, trial),
}));

async function run(bench: Bench, trial: WebSocketTrial): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { name, description, path, connections, bodyBytes, prepare } = trial;
  const { setup, options } = bench;
  const floor = haproxyJwtFor(ROOM);
  const besides = bench.gateways.some((gateway) => gateway.name === floor.name) ? [floor] : [];
  const tokenFile = writeTokens(bench, `${name}.tokens`, await bench.mint.known(KNOWN_TOKENS));
  const upstream = await Upstream.start(setup.subprocesses, 'websocket-server');
  const own: Bench = {
    ...bench,
    upstream,
    setup: { ...setup, upstreamPort: upstream.port },
    // A process keeps the memory of tunnels that have ended.
    options: prepare === undefined ? options : { ...options, rounds: 1 },
  };
  const remarks: string[] = [];
  const measure = async (contestant: Contestant): Promise<Measurement> => {
    const { port } = contestant.running;
    const clients = await WebSockets.open(setup.subprocesses, { port, path, tokenFile, connections });
    try {
      if (prepare !== undefined) remarks.push(await prepare(own, contestant, clients));
      await clients.do({
        ...trial.work(own),
        ...(path === DOWNLOAD_PATH ? {} : { seconds: options.warmupSeconds }),
      });
      return await measureWebSockets(own, contestant, clients, trial.work(own));
    } finally {
      await clients.close();
    }
  };
  try {
    return await withGateways(
      own,
      name,
      [portcullisForWebSockets(ROOM), ...besides],
      usualProbe,
      async (contestants) => {
        await inRounds(own, name, contestants, measure);
        const comparison = { figure: 'cpuMicros', baselines: [floor.name] } as const;
        return {
          scenario: name,
          description,
          connections,
          tokens: KNOWN_TOKENS,
          ...(bodyBytes === undefined ? {} : { bodyBytes }),
          ...tableOf(contestants, comparison),
          remarks: [...remarks.toSorted(), ...(bodyBytes === undefined ? [] : contestants.map(costOfGib))],
        };
      },
    );
  } finally {
    await upstream.stop();
  }
}

/** Of the rounds that count. */
function costOfGib({ gateway, rounds }: Contestant): string {
  const costs = rounds
    .filter(({ fault }) => fault === null)
    .map(({ cpuMicros }) => Math.round((cpuMicros * (GIB / DOWNLOAD_BYTES)) / 1000));
  if (costs.length === 0) return `${gateway.name} has carried nothing that counts`;
  const { median, min, max } = spreadOf(costs);
  return `${gateway.name} takes ${median} ms of CPU (${min}–${max}) for 1 GiB`;
}

/** Opens those that stay silent, and finds what each of them takes. */
async function addIdle({ options }: Bench, contestant: Contestant, clients: WebSockets): Promise<string> {
  const { pid } = contestant.running.subprocess;
  const [earlier, count, restMs] = options.quick ? [100, 400, QUICK_REST_MS] : [EARLIER, IDLE, REST_MS];
  await clients.do({ kind: 'add', connections: earlier });
  await delay(restMs);
  const before = presentMemory(pid);
  const { open } = await clients.do({ kind: 'add', connections: count });
  await delay(restMs);
  const each = (presentMemory(pid) - before) / count;
  if (open !== BUSY + earlier + count)
    throw new Error(`${open} of ${BUSY + earlier + count} WebSockets are open`);
  return `${contestant.gateway.name} has ${Math.round(each).toLocaleString('en-US')} bytes resident for each of ${count} idle WebSockets`;
}
