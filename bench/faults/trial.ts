import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningGateway } from '../gateways/gateway.ts';
import { freePort, untilReady } from '../probe.ts';
import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';
import { AUDIENCE, ISSUER } from '../tokens.ts';
import { BODY } from '../upstream.ts';
import type { Certificates } from './certificates.ts';
import type { Fault, Network } from './faults.ts';
import { type FaultGateway, HOST_NAME, NAME_SERVER, type Surroundings } from './gateways.ts';
import { type Arrivals, CONNECTIONS, EXIT_STANDSTILL, type LoadLog, now, REQUEST_PATH } from './messages.ts';
import { NameServer } from './names.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { Server } from './servers.ts';

const HOSTS = ['127.0.0.11', '127.0.0.12', '127.0.0.13'] as const;
/** The number of the server that breaks. */
const BROKEN = 1;

/** Milliseconds of load before the fault, and with it. */
const BEFORE_MS = 3_000;
const BROKEN_MS = 6_000;
/** Milliseconds for a server to get requests again, and of load after that. */
const BACK_MS = 20_000;
const AFTER_MS = 1_000;
/** Milliseconds between two looks at counts. */
const LOOK_MS = 50;
/** Milliseconds of the load that measures what a gateway takes. */
const SATURATION_MS = 3_000;

/** What all trials share. */
export interface Workshop {
  readonly subprocesses: Subprocesses;
  readonly directory: string;
  readonly keyFile: string;
  readonly tokenFile: string;
  readonly token: string;
  readonly certificates: Certificates;
}

export type GatewayOver = (surroundings: Surroundings) => FaultGateway;

interface Stage {
  readonly servers: readonly Server[];
  readonly names: NameServer | undefined;
  readonly gateway: FaultGateway;
  readonly running: RunningGateway;
  /** Begins a load. @param rate requests per second; undefined: as many as the gateway takes. */
  begin(rate: number | undefined): Subprocess;
}

/** Starts servers and a gateway in front of them, and stops all after `use`. */
async function staged<T>(
  shop: Workshop,
  over: GatewayOver,
  network: Network,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { subprocesses, certificates, keyFile, tokenFile, token } = shop;
  const directory = mkdtempSync(join(shop.directory, 'trial-'));
  const port = await freePort();
  const places = HOSTS.map((host, number) => ({
    number,
    host,
    port,
    certificates: network === 'tls' ? ([certificates.good, certificates.expired] as const) : undefined,
  }));
  const servers = places.map((place) => new Server(subprocesses, place));
  const names = network === 'names' ? new NameServer(HOST_NAME, HOSTS) : undefined;
  const processes: Subprocess[] = [];
  try {
    await names?.listen(NAME_SERVER.host, NAME_SERVER.port);
    await Promise.all(servers.map((server) => server.start()));
    const resolvConf = join(directory, 'resolv.conf');
    writeFileSync(resolvConf, `nameserver ${NAME_SERVER.host}\noptions timeout:1 attempts:1\n`);
    const gateway = over({
      places,
      directory,
      authority: network === 'tls' ? certificates.authority : undefined,
      resolvConf: network === 'names' ? resolvConf : undefined,
    });
    const home = join(directory, gateway.gateway.name);
    mkdirSync(home);
    const running = await gateway.gateway.start({
      subprocesses,
      directory: home,
      upstreamPort: port,
      keyFile,
      issuer: ISSUER,
      audience: AUDIENCE,
    });
    processes.push(running.subprocess);
    await untilReady(running.subprocess, running.port, {
      path: `${REQUEST_PATH}0`,
      token,
      expected: BODY.length,
    });
    const begin = (rate: number | undefined): Subprocess => {
      const load = subprocesses.fork('load', scriptBeside(import.meta.url, 'load-process'));
      processes.push(load);
      load.process.send({ port: running.port, tokenFile, rate });
      return load;
    };
    return await use({ servers, names, gateway, running, begin });
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
    await Promise.all(servers.map((server) => server.end()));
    names?.close();
  }
}

/** The machine stood still in a trial, so its outcome says nothing. */
export class Standstill extends Error {}

/** Ends a load. @returns what it has noted. */
async function logOf(load: Subprocess): Promise<LoadLog> {
  if (load.process.exitCode === EXIT_STANDSTILL) throw new Standstill('the machine stood still');
  if (load.exited) throw new Error(`${load.command} ended too early: ${load.output}`);
  const log = load.message();
  load.process.send('end');
  return (await log) as LoadLog;
}

/** Requests per second that a gateway takes from a closed loop. */
export function saturation(shop: Workshop, over: GatewayOver): Promise<number> {
  return staged(shop, over, 'plain', async ({ begin }) => {
    const load = begin(undefined);
    await delay(SATURATION_MS);
    const { end, status } = await logOf(load);
    const last = Math.max(...end.slice(-CONNECTIONS));
    // The first third is the time in which code is compiled.
    const from = last - (SATURATION_MS * 2) / 3;
    const served = end.filter((at, request) => at >= from && status[request] === 200);
    return served.length / ((last - from) / 1000);
  });
}

/** One fault and its end, under load. */
export function tryFault(shop: Workshop, over: GatewayOver, fault: Fault, rate: number): Promise<Outcome> {
  return staged(shop, over, fault.network, async (stage) => {
    const { servers, names, begin } = stage;
    const server = servers[BROKEN] as Server;
    const scene = { server, names };
    const load = begin(rate);
    const first = (await load.message()) as number;
    await delay(BEFORE_MS);
    const counted = fault.isUnseen ? new AttemptWatch(stage) : undefined;
    await counted?.start();
    const brokenAt = await fault.break(scene);
    await (counted?.until(brokenAt + BROKEN_MS) ?? delay(BROKEN_MS));
    const mendedAt = await fault.mend(scene);
    await untilUsed(server);
    await delay(AFTER_MS);
    const log = await logOf(load);
    const arrivals: readonly Arrivals[] = await Promise.all(servers.map((one) => one.arrivals()));
    return outcomeOf({
      log,
      first,
      arrivals,
      broken: BROKEN,
      brokenAt,
      mendedAt,
      lastAttemptAt: counted === undefined ? undefined : Math.max(brokenAt, counted.lastAt),
    });
  });
}

/** Waits until a server gets a request that begins now or later, for a while at most. */
async function untilUsed(server: Server): Promise<void> {
  const latest = now() + BACK_MS;
  // A stopped server reads first what was sent to it before.
  let seen = await server.last();
  await delay(LOOK_MS);
  seen = Math.max(seen, await server.last());
  while (now() < latest && (await server.last()) <= seen) await delay(LOOK_MS);
}

/** Finds the time of the last attempt that failed, by the counts of a gateway. */
class AttemptWatch {
  lastAt = 0;
  readonly #stage: Stage;
  #count = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async start(): Promise<void> {
    this.#count = await this.#failures();
  }

  /** Looks at the counts until that time. The time of a change is exact to `LOOK_MS`. */
  async until(end: number): Promise<void> {
    while (now() < end) {
      const count = await this.#failures();
      if (count !== this.#count) this.lastAt = now();
      this.#count = count;
      await delay(LOOK_MS);
    }
  }

  #failures(): Promise<number> {
    const { gateway, running } = this.#stage;
    return gateway.failures(running);
  }
}
