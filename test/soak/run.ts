import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Chance } from './chance.ts';
import type { Connection } from './connection.ts';
import { Excuses } from './excuses.ts';
import { SoakGateway } from './gateway.ts';
import { History } from './history.ts';
import { SoakIssuer } from './issuer.ts';
import { Ledger } from './ledger.ts';
import { calmOf } from './phases.ts';
import { Soak } from './soak.ts';
import { overTls, soakedEngine } from './soaked.ts';
import { Tokens } from './tokens.ts';
import { SoakUpstream } from './upstream.ts';
import { verdictOf } from './verdict.ts';
import { Windows } from './windows.ts';

/** Seconds below which no process lives long enough to be judged. */
const MIN_SECONDS = 60;
/** Clients, each with some requests a second; more than these keep the machine busier than the gateway. */
const MAX_CLIENTS = 48;

/** Tunnels on the engine that has them, without the option, and at most: each takes two descriptors of this process. */
const USUAL_TUNNELS = 200;
const MAX_TUNNELS = 9_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    clients: { type: 'string' },
    tunnels: { type: 'string' },
    engine: { type: 'string' },
    tls: { type: 'boolean' },
    snapshot: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds ?? 120);
const engine = soakedEngine;
const clients = Number(values.clients ?? MAX_CLIENTS);
const tunnels = Number(values.tunnels ?? (engine === 'node' ? USUAL_TUNNELS : 0));
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const isEngine = engine === 'node' || (engine === 'uws' && !overTls);
const isCount = Number.isInteger(clients) && clients > 0 && clients <= MAX_CLIENTS;
const areTunnels =
  Number.isInteger(tunnels) && tunnels >= 0 && tunnels <= MAX_TUNNELS && (engine === 'node' || tunnels === 0);
if (!(seconds >= MIN_SECONDS) || !Number.isInteger(seed) || !isCount || !isEngine || !areTunnels) {
  process.stderr.write(
    `soak: --seconds wants at least ${MIN_SECONDS}, --seed a whole number, --clients 1 to ${MAX_CLIENTS}, --tunnels up to ${MAX_TUNNELS} with engine node, --engine uws or node, --tls engine node\n`,
  );
  process.exit(64);
}
const queuesMove = readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
say(
  `soak: ${seconds} s, seed ${seed}, ${clients} clients, ${tunnels} tunnels, engine ${engine}${overTls ? ' with TLS' : ''}, Node.js ${process.version}, tcp_migrate_req ${queuesMove ? 1 : 0}`,
);

const chance = new Chance(seed);
const ledger = new Ledger(say);
const windows = new Windows();
const connections = new Set<Connection>();
const issuer = await SoakIssuer.start();
const upstreams = [await SoakUpstream.start('a'), await SoakUpstream.start('b')] as const;
const [a, b] = upstreams;
const gateway = await SoakGateway.start({
  engine,
  tunnels: tunnels > 0,
  jwks: issuer.jwks,
  upstreams: { a: a.url, b: b.url },
});
process.on('exit', () => gateway.kill());

const stock = { tokens: new Tokens(issuer), version: new History(0) };
const world = {
  gateway,
  issuer,
  upstreams,
  stock,
  ledger,
  windows,
  connections,
  chance,
  wantsSnapshot: values.snapshot,
};
const soak = new Soak({ clients, tunnels }, world, new Excuses(windows, queuesMove), say);
const faults: string[] = [];
try {
  const baseline = await soak.warmUp();
  await soak.run(seconds);
  const open = await soak.quiet();
  const { disturbances, watch } = soak;
  const judged = [
    { name: 'supervisor', pid: gateway.pid, span: { from: seconds / 2, to: seconds } },
    { name: 'listener', pid: disturbances.spared ?? 0, span: calmOf(seconds) },
  ];
  const status = await gateway.admin.status();
  const metrics = await gateway.admin.metrics();
  const { counts, doomed } = disturbances;
  const found = { gateway, ledger, watch, judged, baseline, open, status, metrics, doomed, say };
  faults.push(...verdictOf({ ...found, disturbances: counts }));
  if (tunnels > 0) for (const line of soak.tally.lines) say(`tunnels: ${line}`);
  const exitCode = await gateway.stop();
  if (exitCode !== 0) faults.push(`the gateway ended with ${exitCode}`);
} catch (error) {
  faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
if (connections.size > 0)
  faults.push(`${connections.size} connections of clients are open after the gateway's end`);
await issuer.close();
for (const upstream of upstreams) upstream.close();
if (faults.length === 0) {
  gateway.clean();
  say('soak: all is well');
} else {
  for (const fault of faults) say(`soak: ${fault}`);
  say(`soak: FAILED; seed ${seed}, log and configuration in ${gateway.folder}`);
}
process.exit(faults.length === 0 ? 0 : 1);
