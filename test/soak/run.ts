import { parseArgs } from 'node:util';
import { Chance } from './chance.ts';
import { SoakClient } from './client.ts';
import { Disturbances } from './disturbances.ts';
import { SoakGateway } from './gateway.ts';
import { Ledger } from './ledger.ts';
import { Requests } from './requests.ts';
import { SoakIssuer } from './tokens.ts';
import { SoakUpstream } from './upstream.ts';
import { judge } from './verdict.ts';
import { socketsOf, Watch } from './watch.ts';

const CLIENTS = 48;
/** Milliseconds that a client rests at most between two requests: some hundred requests a second in all. */
const REST_MS = 200;
/** One request in so many goes over a new connection. */
const NEW_CONNECTION = 20;
/** Milliseconds between two disturbances. */
const DISTURB_MS = 3_000;
const SAMPLE_MS = 1_000;
const PROGRESS_MS = 10_000;
/** Milliseconds for idle connections to upstream (5 s) and listeners that were replaced (10 s) to end. */
const QUIET_MS = 20_000;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 120);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

say(`soak: ${seconds} s, seed ${seed}`);
const chance = new Chance(seed);
const ledger = new Ledger();
const watch = new Watch();
const issuer = await SoakIssuer.start();
const upstream = await SoakUpstream.start();
const gateway = await SoakGateway.start({ jwks: issuer.jwks, upstream: upstream.url });
process.on('exit', () => gateway.kill());
const requests = new Requests(issuer, chance);
const disturbances = new Disturbances({ gateway, issuer, upstream, requests, ledger, chance });
await gateway.until(({ keySets }) => keySets.every(({ kids }) => kids.length > 0));

const beganAt = performance.now();
const elapsed = (): number => (performance.now() - beganAt) / 1000;
const isOver = (): boolean => elapsed() >= seconds;
/** Pids that serve, as they were last seen. */
let listeners = (await gateway.status()).listeners.map(({ pid }) => pid);
const before = { supervisor: socketsOf(gateway.pid), listener: socketsOf(listeners[0] as number) };

async function client(): Promise<void> {
  const own = new SoakClient(gateway.port, ledger);
  while (!isOver()) {
    await own.send(requests.next());
    if (chance.below(NEW_CONNECTION) === 0) own.close();
    await rest(chance.below(REST_MS));
  }
  own.close();
}

async function disturb(): Promise<void> {
  while (!isOver()) {
    await rest(DISTURB_MS);
    // In the last half one listener is left to live, whose memory is judged.
    if (!isOver()) await disturbances.next(elapsed() > seconds / 2 - DISTURB_MS);
  }
}

async function look(): Promise<void> {
  let told = 0;
  while (!isOver()) {
    listeners = (await gateway.status()).listeners
      .filter(({ state }) => state === 'serving')
      .map(({ pid }) => pid);
    watch.look(elapsed(), [gateway.pid, ...listeners]);
    if (elapsed() * 1000 >= told + PROGRESS_MS) {
      told = elapsed() * 1000;
      const memory = [gateway.pid, ...listeners].map((pid) =>
        watch.samples.get(pid)?.at(-1)?.residentMiB.toFixed(0),
      );
      say(
        `${elapsed().toFixed(0).padStart(5)} s  ${ledger.total()} requests, ${ledger.unexplainedCount} unexplained, MiB ${memory.join(' ')}`,
      );
    }
    await rest(SAMPLE_MS);
  }
}

await Promise.all([disturb(), look(), ...Array.from({ length: CLIENTS }, client)]);
await rest(QUIET_MS);
const after = await gateway.status();
const counted = await gateway.requests();
const sockets = {
  supervisor: socketsOf(gateway.pid),
  listeners: after.listeners.map(({ pid }) => socketsOf(pid)),
};
const exitCode = await gateway.stop();
issuer.close();
upstream.close();
const faults = judge({
  seconds,
  ledger,
  watch,
  supervisor: gateway.pid,
  listeners: after.listeners,
  before,
  sockets,
  counted,
  kills: disturbances.counts['listener kills'] ?? 0,
  exitCode,
  say,
});
say(`disturbances: ${JSON.stringify(disturbances.counts)}`);
if (faults.length === 0) {
  gateway.clean();
  say('soak: all is well');
} else {
  for (const fault of faults) say(`soak: ${fault}`);
  say(`soak: FAILED; seed ${seed}, log ${gateway.logFile}`);
}
process.exit(faults.length === 0 ? 0 : 1);
