import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../machine.ts';
import { Placement } from '../placement.ts';
import { findProgram } from '../programs.ts';
import { Subprocesses } from '../subprocesses.ts';
import { TokenMint } from '../tokens.ts';
import { makeCertificates } from './certificates.ts';
import { type Fault, faults } from './faults.ts';
import { FALL, haproxyOver, INTERVAL_MS, portcullisOver } from './gateways.ts';
import { USUAL_MS } from './messages.ts';
import type { Outcome } from './outcome.ts';
import { type Row, tableOf } from './table.ts';
import { type GatewayOver, Standstill, saturation, tryFault, type Workshop } from './trial.ts';

const usage = `usage: npm run faults -- [options]
  --fault A,B      only these: ${faults.map(({ name }) => name).join(', ')}
  --gateway A,B    only these: portcullis, haproxy
  --rounds N       times that each fault is tried with each gateway (default 3)
  --rate N         requests per second (default: half of what the slower gateway takes)
`;

const EXIT_USAGE = 64;
/** A shell's exit code for a program ended by a signal: 128 plus its number. */
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;
/** Distinct tokens; all are known after the first moments of a load. */
const TOKENS = 1_000;
/**
 * Milliseconds of p99 before the fault, above which a round does not count: what the fault does to others would be lost in
 * what the machine does beside. Only the time before decides, so no outcome is chosen by what the fault did.
 */
const CALM_MS = 10 * USUAL_MS;
/** Rounds in a row that may not count. */
const TRIES = 8;
/** The share of what the slower gateway takes. */
const SHARE = 0.5;

const gateways: Readonly<Record<string, GatewayOver>> = { portcullis: portcullisOver, haproxy: haproxyOver };

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

class UsageError extends Error {}

function list(name: string, text: string | undefined, known: readonly string[]): readonly string[] {
  const asked = text?.split(',') ?? known;
  const unknown = asked.filter((one) => !known.includes(one));
  if (unknown.length > 0)
    throw new UsageError(`--${name}: ${unknown.join(', ')} is not one of ${known.join(', ')}`);
  return known.filter((one) => asked.includes(one));
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${name}: ${text} is not a whole number above 0`);
  return Number(text);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        fault: { type: 'string' },
        gateway: { type: 'string' },
        rounds: { type: 'string' },
        rate: { type: 'string' },
      },
    });
    const names = faults.map(({ name }) => name);
    return {
      faults: list('fault', values.fault, names),
      gateways: list('gateway', values.gateway, Object.keys(gateways)),
      rounds: whole('rounds', values.rounds) ?? 3,
      rate: whole('rate', values.rate),
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Why a fault cannot be played here; undefined when it can. */
function obstacle({ network }: Fault): string | undefined {
  if (network !== 'names' || process.getuid?.() === 0) return undefined;
  return 'it needs root, for port 53 and a resolv.conf(5) of its own';
}

async function workshop(subprocesses: Subprocesses, directory: string): Promise<Workshop> {
  const mint = await TokenMint.create();
  const [keyFile, tokenFile] = [join(directory, 'pubkey.pem'), join(directory, 'tokens')];
  const tokens = await mint.known(TOKENS);
  writeFileSync(keyFile, mint.publicPem);
  writeFileSync(tokenFile, `${tokens.join('\n')}\n`);
  const [token] = tokens as [string];
  return { subprocesses, directory, keyFile, tokenFile, token, certificates: makeCertificates(directory) };
}

/** One round that counts; fails when the machine is never calm enough. */
async function calmRound(shop: Workshop, name: string, fault: Fault, rate: number): Promise<Outcome> {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const outcome = await tryFault(shop, gateways[name] as GatewayOver, fault, rate).catch(
      (error: unknown) => {
        if (!(error instanceof Standstill)) throw error;
      },
    );
    if (outcome === undefined) {
      say(`${fault.name} ${name}: does not count, the machine stood still`);
      continue;
    }
    const isCalm = outcome.p99Before <= CALM_MS;
    const remark = isCalm ? '' : 'does not count, the machine was too busy before the fault: ';
    say(`${fault.name} ${name}: ${remark}${JSON.stringify(outcome)}`);
    if (isCalm) return outcome;
  }
  throw new Error(`${fault.name}: the machine was too busy in ${TRIES} rounds in a row`);
}

async function main(): Promise<void> {
  const asked = options();
  const chosen = asked.gateways.filter((name) => {
    if (name !== 'haproxy' || findProgram('haproxy') !== undefined) return true;
    say('haproxy is skipped: apt-get install -y haproxy');
    return false;
  });
  const placement = Placement.ofThisMachine();
  const subprocesses = new Subprocesses(placement);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-faults-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(EXIT_BY_SIGNAL[signal]));
  }
  process.once('exit', () => {
    subprocesses.killAll();
    rmSync(directory, { recursive: true, force: true });
  });
  const shop = await workshop(subprocesses, directory);
  let rate = asked.rate;
  if (rate === undefined) {
    let least = Number.POSITIVE_INFINITY;
    for (const name of chosen) {
      const most = await saturation(shop, gateways[name] as GatewayOver);
      say(`${name} takes ${Math.round(most)} requests/s`);
      least = Math.min(least, most);
    }
    rate = Math.floor(SHARE * least);
  }
  const { cpu, cores, kernel, loadBefore } = machine();
  const { node, haproxy } = versions();
  say(`${cpu}, ${cores} cores, ${kernel}, node ${node}, haproxy ${haproxy}, ${placement.describe()}`);
  say(
    `${rate} requests/s, load of the machine before ${loadBefore}, fall x interval ${FALL * INTERVAL_MS} ms\n`,
  );
  const rows: Row[] = [];
  for (const fault of faults.filter(({ name }) => asked.faults.includes(name))) {
    const reason = obstacle(fault);
    if (reason !== undefined) {
      say(`${fault.name} is skipped: ${reason}`);
      continue;
    }
    const outcomes = new Map<string, Outcome[]>(chosen.map((name) => [name, []]));
    for (const name of [...Array(asked.rounds)].flatMap(() => chosen)) {
      outcomes.get(name)?.push(await calmRound(shop, name, fault, rate));
    }
    for (const [gateway, of] of outcomes) rows.push({ fault: fault.name, gateway, outcomes: of });
  }
  say(`\n${tableOf(rows)}`);
  await subprocesses.stopAll();
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n${usage}`);
  process.exitCode = EXIT_USAGE;
}
