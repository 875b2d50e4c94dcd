import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { LatencyHistogram } from '../stats.ts';
import { DOWNLOAD_PATH } from '../upstream.ts';
import { BenchWebSocket } from './bench-websocket.ts';
import type { WebSocketPlan, WebSocketResult, WebSocketWork } from './websockets.ts';

// Runs in its own process: takes one plan as a message, opens its WebSockets, and sends a result for each further message.

/** WebSockets that are being opened at a time. */
const OPENING = 64;

const [plan] = (await once(process, 'message')) as [WebSocketPlan];
const tokens = readFileSync(plan.tokenFile, 'latin1').trimEnd().split('\n');
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
const all: BenchWebSocket[] = [];

async function open(count: number): Promise<void> {
  let begun = 0;
  const opener = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const token = tokens[begun % tokens.length] as string;
      const key = randomBytes(16).toString('base64');
      const client = new BenchWebSocket(plan.port, buffer);
      await client.open(plan.path, token, key);
      all.push(client);
      if (plan.path === DOWNLOAD_PATH) await client.download(1);
      else await client.echo();
    }
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
}

/** Runs some work, and measures it. @param run records each right message, in milliseconds. Resolves with the failures. */
async function measured(run: (record: (ms: number) => void) => Promise<number>): Promise<WebSocketResult> {
  const latency = new LatencyHistogram();
  let completed = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const failures = await run((ms) => {
    latency.record(ms);
    completed += 1;
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    completed,
    failures,
    seconds,
    latency: latency.summary(),
    generatorCores: (user + system) / 1e6 / seconds,
    open: all.filter((client) => client.isOpen).length,
  };
}

/** Counts those that fail, and says why the first one did. */
async function failuresOf(works: readonly Promise<void>[]): Promise<number> {
  const failed = (await Promise.allSettled(works)).filter((result) => result.status === 'rejected');
  if (failed.length > 0) process.stderr.write(`${(failed[0] as PromiseRejectedResult).reason}\n`);
  return failed.length;
}

function work(asked: WebSocketWork): Promise<WebSocketResult> {
  if (asked.kind === 'add') return measured(() => open(asked.connections).then(() => 0));
  if (asked.kind === 'echo') {
    const until = performance.now() + asked.seconds * 1000;
    const some = all.slice(0, asked.connections);
    return measured((record) => failuresOf(some.map((client) => client.echoUntil(until, record))));
  }
  const each = asked.messages / all.length;
  return measured((record) => failuresOf(all.map((client) => client.download(each, record))));
}

process.on('message', (asked: WebSocketWork) => {
  work(asked).then(
    (result) => process.send?.(result),
    (error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
await open(plan.connections);
process.send?.({ open: all.length });
