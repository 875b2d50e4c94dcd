import { setTimeout as delay } from 'node:timers/promises';
import { portcullis } from '../gateways/portcullis.ts';
import {
  type Bench,
  includesOurs,
  inRounds,
  measureOnce,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
  writeTokens,
} from '../measure.ts';
import { send } from '../probe.ts';
import { memoryBelow } from '../proc.ts';
import { BASELINES, type ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';

/** Tokens, as many as a worker caches by default, and the bytes of each. */
const TOKENS = 100_000;
const TOKEN_BYTES = 1024;
/** Milliseconds after the load, for memory that is freed in idle time. */
const REST_MS = 1_000;
const MIB = 2 ** 20;

/** The memory cost of many cached tokens. */
export const memory: Trial = { name: 'memory', run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { name } = memory;
  const count = Math.ceil(TOKENS * bench.options.share);
  const all = await bench.mint.mint(count, { bytes: TOKEN_BYTES });
  const warming = writeTokens(bench, `${name}.warm`, all.slice(0, KNOWN_TOKENS));
  const tokenFile = writeTokens(bench, `${name}.tokens`, all);
  const plan = { path: '/', expect: 'forwarded', connections: CONNECTIONS } as const;
  // Not a gateway that others have used, because its cache would count.
  const fresh = { ...portcullis };
  return withGateways(bench, name, [fresh], usualProbe, async (contestants) => {
    const [contestant] = contestants as [(typeof contestants)[number]];
    const { running } = contestant;
    await warmUp(bench, contestant, { ...plan, tokenFile: warming, use: 'cycle' });
    await delay(REST_MS);
    const before = memoryBelow(running.subprocess.pid);
    // Once is enough, because the measured memory stays.
    const once = { ...bench, options: { ...bench.options, rounds: 1 } };
    await inRounds(once, name, contestants, (one) =>
      measureOnce(bench, one, { ...plan, tokenFile, use: 'once' }),
    );
    await delay(REST_MS);
    const after = memoryBelow(running.subprocess.pid);
    const metrics = await send(running.adminPort as number, { path: '/metrics' });
    const kept = Number(/^portcullis_token_cache_entries(?:\{[^}]*\})? (\d+)$/m.exec(metrics.body)?.[1]);
    return {
      scenario: name,
      description: `tokens of ${TOKEN_BYTES} bytes, each seen once`,
      connections: CONNECTIONS,
      tokens: count,
      ...tableOf(contestants, { figure: 'cpuMicros', baselines: BASELINES }),
      remarks: [
        `the listener with its verifiers has ${(after / MIB).toFixed(0)} MiB resident, ${(before / MIB).toFixed(0)} before, and remembers ${kept} tokens`,
        `that is ${((after - before) / count / 1024).toFixed(2)} KiB for each`,
      ],
    };
  });
}
