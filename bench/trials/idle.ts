import { setTimeout as delay } from 'node:timers/promises';
import { haproxyFor } from '../gateways/haproxy.ts';
import { portcullisOn, portcullisTls } from '../gateways/portcullis.ts';
import type { IdlePlan } from '../load/idle-clients.ts';
import { SideClients } from '../load/side-clients.ts';
import {
  type Bench,
  type Contestant,
  includesOurs,
  inRounds,
  knownPlan,
  measureOnce,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
} from '../measure.ts';
import { presentMemory } from '../proc.ts';
import type { Measurement, ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { makeCertificate, tlsUnavailable } from './tls.ts';

const IDLE = 10_000;
/** Quick mode shows that it works, with fewer. */
const QUICK_IDLE = 500;
/** Clients that a gateway has room for: the idle ones and those of the load. */
const ROOM = IDLE + 10 * CONNECTIONS;
/** Milliseconds after the last connection, for memory that is freed in idle time. */
const REST_MS = 1_000;
const KIB = 1024;

/** The memory of idle connections, and what a request costs beside them. */
export const idle: Trial = { name: 'idle', unavailable: tlsUnavailable, run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { name } = idle;
  const { options, gateways } = bench;
  const count = options.quick ? QUICK_IDLE : IDLE;
  const settings = { lines: `limits: { connections: ${ROOM} }\n` };
  const { both: pem } = makeCertificate(bench.directory);
  const floor = haproxyFor(ROOM);
  const floorByTls = haproxyFor(ROOM, pem);
  const entrants = [
    portcullisOn('uws', settings),
    portcullisOn('node', settings),
    portcullisTls(pem, settings, 'node-tls'),
  ].concat(gateways.some((gateway) => gateway.name === floor.name) ? [floor, floorByTls] : []);
  const plan = await knownPlan(bench, name, CONNECTIONS);
  const remarks: string[] = [];
  const measure = async (contestant: Contestant): Promise<Measurement> => {
    const { gateway, running } = contestant;
    const { pid } = running.subprocess;
    // Before any load: what garbage leaves behind would make room for connections. So all that the process takes for
    // its first requests counts, too.
    const before = presentMemory(pid);
    const idlePlan: IdlePlan = {
      port: running.port,
      secure: gateway.speech === 'https',
      tokenFile: plan.tokenFile,
      connections: count,
    };
    const clients = await SideClients.open(bench.setup.subprocesses, 'idle-clients', idlePlan);
    try {
      await delay(REST_MS);
      const each = (presentMemory(pid) - before) / count / KIB;
      const { open } = await clients.state();
      await warmUp(bench, contestant, plan);
      const measured = await measureOnce(bench, contestant, plan);
      remarks.push(`${gateway.name} has ${each.toFixed(1)} KiB resident for each idle connection, at most`);
      return open === count
        ? measured
        : { ...measured, fault: `${count - open} idle connections were closed` };
    } finally {
      await clients.close();
    }
  };
  return withGateways(bench, name, entrants, usualProbe, async (contestants) => {
    // Once is enough, because a process keeps the memory that closed connections had.
    const one = { ...bench, options: { ...options, rounds: 1 } };
    await inRounds(one, name, contestants, measure);
    return {
      scenario: name,
      description: `tokens in turn, all seen before, beside ${count.toLocaleString('en-US')} idle connections`,
      connections: CONNECTIONS,
      tokens: KNOWN_TOKENS,
      ...tableOf(contestants, { figure: 'cpuMicros', baselines: ['uws', floor.name, floorByTls.name] }),
      remarks: remarks.toSorted(),
    };
  });
}
