import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { LatencyHistogram } from '../stats.ts';
import { type LoadPlan, type LoadResult, PACED_LEAD_MS, STATUSES } from './load.ts';

// Runs in its own process: takes one plan as a message, sends back the result.

/** Milliseconds between two polls of autocannon's stop flag; its default would end every load up to 1 s late. */
const SAMPLE_MS = 50;
/** Seconds until a request counts as lost. */
const REQUEST_TIMEOUT_S = 10;

/** The used part of autocannon's client; its published types leave the response event out. */
interface Client {
  setRequests(requests: readonly ClientRequest[]): void;
  on(event: 'response', listener: (status: number, bytes: number, milliseconds: number) => void): void;
  /** Sends the next request; called for the first one, and after each response. */
  _doRequest(): void;
  readonly destroyed: boolean;
}

interface ClientRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

/**
 * Makes a client send at fixed times, and later only while it waits for a response. autocannon's own rate counts whole
 * seconds: it sends as fast as it can until the second's share is used up, which measures a full load for a while.
 * @returns milliseconds since the current request was sent, or since its due time if the previous response came later:
 *   the delay after a slow response counts as slow, too.
 */
function pace(client: Client, intervalMs: number, offsetMs: number): () => number {
  const send = client._doRequest;
  let due = performance.now() + offsetMs;
  let startedAt = due;
  const start = (at: number): void => {
    startedAt = at;
    due += intervalMs;
    if (!client.destroyed) send.call(client);
  };
  client._doRequest = () => {
    const wait = due - performance.now();
    if (wait > 0) setTimeout(() => start(performance.now()), wait);
    else start(due);
  };
  return () => performance.now() - startedAt;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const tokens = readFileSync(plan.tokenFile, 'latin1').replace(/\n$/, '').split('\n');
  const latencies = new LatencyHistogram();
  const expected = STATUSES[plan.expect];
  const body = plan.uploadBytes === undefined ? undefined : Buffer.alloc(plan.uploadBytes, 'a');
  const interval = plan.rate === undefined ? undefined : (1000 * plan.connections) / plan.rate;
  let received = 0;
  let completed = 0;
  let clients = 0;
  let cpuBefore = process.cpuUsage();
  let startedAt = performance.now();
  let lastAnswerAt = startedAt;

  // The requests of a connection are built here, before it sends the first one. Each connection gets every
  // 64th token: together they go round all of them, and with `once` no connection sends the token of another.
  const setupClient = (given: unknown): void => {
    const client = given as Client;
    const own = tokens.filter((_, index) => index % plan.connections === clients);
    if (own.length === 0) own.push(tokens[clients % tokens.length] as string);
    client.setRequests(
      own.map((token) => ({
        method: body === undefined ? 'GET' : 'POST',
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body }),
      })),
    );
    const elapsed =
      interval === undefined ? undefined : pace(client, interval, (interval * clients) / plan.connections);
    client.on('response', (status, _bytes, milliseconds) => {
      received += 1;
      if (!expected.includes(status)) return;
      completed += 1;
      lastAnswerAt = performance.now();
      if (elapsed === undefined) latencies.record(milliseconds);
      else if (lastAnswerAt - startedAt > PACED_LEAD_MS) latencies.record(elapsed());
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
    ...(plan.use === 'once'
      ? { amount: tokens.length }
      : { duration: plan.seconds + (interval === undefined ? 0 : PACED_LEAD_MS / 1000) }),
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const loadEndedAt = performance.now();
  const lost = plan.use === 'once' ? Math.max(0, tokens.length - completed) : 0;
  return {
    completed,
    failures: result.errors + (received - completed) + lost,
    seconds: (lastAnswerAt - startedAt) / 1000,
    latency: latencies.summary(),
    generatorCores: (user + system) / 1000 / (loadEndedAt - startedAt),
  };
}

const [plan] = (await once(process, 'message')) as [LoadPlan];
process.send?.(await run(plan));
// The result is on its way once the channel has been flushed, which disconnecting waits for.
process.disconnect();
