import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { portcullis } from '../gateways/portcullis.ts';
import {
  type Bench,
  inRounds,
  measureOnce,
  resultOf,
  type Trial,
  usualProbe,
  warmUp,
  withGateways,
} from '../measure.ts';
import { send } from '../probe.ts';
import { memoryBelow } from '../proc.ts';
import { BASELINES, type ScenarioResult, summarise } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';

/** Tokens, as many as a listener remembers by default, and the bytes of each. */
const TOKENS = 100_000;
const TOKEN_BYTES = 1024;
/** Milliseconds after the load, for what is let go when there is time. */
const REST_MS = 1_000;
const MIB = 2 ** 20;

/** What remembering many tokens costs in memory. */
export const memory: Trial = { name: 'memory', run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  if (!bench.gateways.some((gateway) => gateway.name === 'portcullis')) return undefined;
  const { name } = memory;
  const { seconds, warmupSeconds, share } = bench.options;
  const count = Math.ceil(TOKENS * share);
  const all = await bench.mint.mint(count, { bytes: TOKEN_BYTES });
  const [warmFile, tokenFile] = ['warm', 'tokens'].map((kind) =>
    join(bench.directory, `${name}.${kind}`),
  ) as [string, string];
  writeFileSync(warmFile, `${all.slice(0, KNOWN_TOKENS).join('\n')}\n`);
  writeFileSync(tokenFile, `${all.join('\n')}\n`);
  const plan = { path: '/', expect: 'forwarded', connections: CONNECTIONS } as const;
  return withGateways(bench, name, [portcullis], usualProbe, async (contestants) => {
    const [contestant] = contestants as [(typeof contestants)[number]];
    const { running } = contestant;
    await warmUp(contestant, (one) =>
      measureOnce(bench, one, {
        ...plan,
        tokenFile: warmFile,
        use: 'cycle',
        seconds: warmupSeconds || seconds,
      }),
    );
    await delay(REST_MS);
    const before = memoryBelow(running.child.pid);
    // Once is enough, because what is measured stays.
    const once = { ...bench, options: { ...bench.options, rounds: 1 } };
    await inRounds(once, name, contestants, (one) =>
      measureOnce(bench, one, { ...plan, tokenFile, use: 'once', seconds }),
    );
    await delay(REST_MS);
    const after = memoryBelow(running.child.pid);
    const metrics = await send(running.adminPort as number, { path: '/metrics' });
    const kept = Number(/^portcullis_token_cache_entries(?:\{[^}]*\})? (\d+)$/m.exec(metrics.body)?.[1]);
    const comparison = { figure: 'cpuMicros', baselines: BASELINES } as const;
    return {
      scenario: name,
      description: `tokens of ${TOKEN_BYTES} bytes, each seen once`,
      connections: CONNECTIONS,
      tokens: count,
      comparison,
      gateways: summarise(contestants.map(resultOf), comparison),
      remarks: [
        `the listener with its verifiers has ${(after / MIB).toFixed(0)} MiB resident, ${(before / MIB).toFixed(0)} before, and remembers ${kept} tokens`,
        `that is ${((after - before) / count / 1024).toFixed(2)} KiB for each`,
      ],
    };
  });
}
