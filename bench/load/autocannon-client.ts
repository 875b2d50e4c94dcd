import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { LatencyHistogram } from '../stats.ts';
import type { LoadPlan, LoadResult } from './load.ts';

// A process of its own: takes one plan as a message, answers with the result.

/** Milliseconds between two looks of autocannon at its own stop flag; its default would end every load up to 1 s late. */
const SAMPLE_MS = 50;
/** Seconds until a request counts as lost. */
const REQUEST_TIMEOUT_S = 10;

/** autocannon's client as far as it is used here; its published types leave the response event out. */
interface Client {
  setRequests(requests: readonly { headers: Record<string, string> }[]): void;
  on(event: 'response', listener: (status: number, bytes: number, milliseconds: number) => void): void;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const tokens = readFileSync(plan.tokenFile, 'latin1').replace(/\n$/, '').split('\n');
  const latencies = new LatencyHistogram();
  const expected = plan.expect === 'refused' ? [401, 403] : [200];
  let answered = 0;
  let completed = 0;
  let clients = 0;
  let cpuBefore = process.cpuUsage();
  let startedAt = performance.now();
  let lastAnswerAt = startedAt;

  // The requests of a connection are built here, before it sends the first one. Each connection gets every
  // 64th token: together they go round all of them, and with `once` nobody sends the token of another.
  const setupClient = (given: unknown): void => {
    const client = given as Client;
    const own = tokens.filter((_, index) => index % plan.connections === clients);
    if (own.length === 0) own.push(tokens[clients % tokens.length] as string);
    client.setRequests(
      own.map((token) => ({ headers: token === '' ? {} : { authorization: `Bearer ${token}` } })),
    );
    client.on('response', (status, _bytes, milliseconds) => {
      answered += 1;
      if (!expected.includes(status)) return;
      completed += 1;
      lastAnswerAt = performance.now();
      latencies.record(milliseconds);
    });
    clients += 1;
    if (clients === plan.connections) {
      // What came before was preparation: the connections send after this turn of the event loop.
      cpuBefore = process.cpuUsage();
      startedAt = performance.now();
    }
  };
  const result = await autocannon({
    url: plan.url,
    connections: plan.connections,
    timeout: REQUEST_TIMEOUT_S,
    sampleInt: SAMPLE_MS,
    setupClient,
    ...(plan.use === 'once' ? { amount: tokens.length } : { duration: plan.seconds }),
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const loadEndedAt = performance.now();
  const lost = plan.use === 'once' ? Math.max(0, tokens.length - completed) : 0;
  return {
    completed,
    failures: result.errors + (answered - completed) + lost,
    seconds: (lastAnswerAt - startedAt) / 1000,
    latency: {
      p50: latencies.quantile(0.5),
      p99: latencies.quantile(0.99),
      p999: latencies.quantile(0.999),
    },
    generatorCores: (user + system) / 1000 / (loadEndedAt - startedAt),
  };
}

const [plan] = (await once(process, 'message')) as [LoadPlan];
process.send?.(await run(plan));
// The result is on its way once the channel has been flushed, which disconnecting waits for.
process.disconnect();
