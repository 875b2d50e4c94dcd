import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type GatewayProcess, startGatewayProcess } from '../lifetime/gateway-process.ts';
import { eventually } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { Wire } from '../support/wire.ts';
import { AUDIENCE, claims, ISSUER } from './stand.ts';

/** Tokens of the flood; a million takes some two minutes. */
const TOKENS = Number(process.env['PORTCULLIS_FLOOD_TOKENS'] ?? 50_000);
const CONNECTIONS = 32;
/** Milliseconds between two requests of a cached client, and the number of such clients. */
const PACE_MS = 4;
const CLIENTS = 8;
/** Requests of a measurement without flood, over all clients. */
const CALM_REQUESTS = 1000;
/**
 * Parts of the flood, each between two measurements without one. Another program on this machine may slow some parts; a
 * gateway that lets the flood through is slow in all of them.
 */
const ROUNDS = 5;
/** Fewest requests during a part of the flood that make a measurement. */
const LEAST_REQUESTS = 100;
/** A 99th percentile below this, in milliseconds, is not compared: it depends more on the machine. */
const FLOOR_MS = 10;
const MAX_RATIO = 3;
/**
 * Most resident memory above idle, in bytes. A refused token leaves nothing behind: this is V8's new space at its
 * largest in two threads, and what waits at one time.
 */
const MEMORY = 96 * 1024 * 1024;

const key = keyPair('RS256');
let origin: Origin;
let gateway: GatewayProcess;
let reached: string[];

before(async () => {
  origin = await Origin.start();
  reached = [];
  origin.serve((head) => {
    if (!head.startsWith('GET /control ')) reached.push(head);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  gateway = await startGatewayProcess(origin.port, {
    issuers: {
      main: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256'], keys: { pem: key.pem } },
    },
    auth: ['main'],
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
  assert.deepEqual(reached, []);
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Times in milliseconds of requests with known tokens, at a moderate rate, until `enough`. */
async function cachedClients(
  tokens: readonly string[],
  enough: (requests: number) => boolean,
): Promise<number[]> {
  const times: number[] = [];
  const client = async (token: string): Promise<void> => {
    const wire = await Wire.open(gateway.port);
    while (!enough(times.length)) {
      const began = performance.now();
      wire.send(`GET /control HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      const response = await wire.response();
      times.push(performance.now() - began);
      assert.deepEqual([response.status, response.body], [200, 'ok']);
      await pause(PACE_MS);
    }
    wire.close();
  };
  await Promise.all(tokens.map(client));
  return times;
}

function percentile99(times: number[]): number {
  times.sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] as number;
}

function flood(tokens: number): { child: ChildProcess; replies: Promise<string> } {
  const input = rs256(key, claims({ exp: 9_999_999_999 })).replace(/\.[^.]*$/, '');
  const file = join(import.meta.dirname, 'flooder.js');
  const args = [file, gateway.port, tokens, CONNECTIONS, input].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return { child, replies: once(child, 'close').then(() => printed) };
}

interface Round {
  /** 99th percentiles in milliseconds. */
  readonly calm: number;
  readonly flooded: number;
  readonly requests: number;
  /** The percentile of the measurement after the flood. */
  readonly after: number;
}

/** The times of known tokens during a flood of `count` others, all of which are judged. */
async function floodedRound(tokens: readonly string[], count: number, before: number): Promise<Round> {
  const { child, replies } = flood(count);
  let over = false;
  void replies.then(() => {
    over = true;
  });
  let times: number[] = [];
  try {
    times = await cachedClients(tokens, () => over);
  } finally {
    child.kill('SIGKILL');
  }
  // Every token was judged: there are fewer connections than places in the queue.
  assert.deepEqual(JSON.parse(await replies), { 401: count });
  const after = percentile99(await cachedClients(tokens, (requests) => requests >= CALM_REQUESTS));
  // Before and after, so that another program that starts in between counts for both sides.
  return { calm: Math.max(before, after), flooded: percentile99(times), requests: times.length, after };
}

test(`${TOKENS} distinct tokens with wrong signatures do not slow known ones down, nor fill the memory`, async (context) => {
  const tokens = Array.from({ length: CLIENTS }, (_, n) =>
    rs256(key, claims({ exp: 9_999_999_999, sub: `${n}` })),
  );
  // All measurements find warm code, and memory that any work takes.
  const warming = TOKENS / 10;
  assert.deepEqual(JSON.parse(await flood(warming).replies), { 401: warming });
  await cachedClients(tokens, (requests) => requests >= CALM_REQUESTS);
  const idle = gateway.resident();
  gateway.forgetPeak();
  let calm = percentile99(await cachedClients(tokens, (requests) => requests >= CALM_REQUESTS));
  const rounds: Round[] = [];
  for (let at = 0; at < ROUNDS; at += 1) {
    const round = await floodedRound(tokens, TOKENS / ROUNDS, calm);
    rounds.push(round);
    calm = round.after;
  }
  const grown = gateway.peak() - idle;

  const outcomes = await eventually(
    () => gateway.outcomes(),
    (seen) => (seen['signature_invalid'] ?? 0) >= TOKENS + warming,
  );
  assert.deepEqual(Object.keys(outcomes).sort(), ['forwarded', 'signature_invalid']);
  assert.equal(outcomes['signature_invalid'], TOKENS + warming);
  const figures = rounds.map(
    ({ flooded, calm, requests }) =>
      `p99 ${flooded.toFixed(2)} ms over ${requests} requests, ${calm.toFixed(2)} ms without a flood`,
  );
  figures.push(`${Math.round(grown / 1024 / 1024)} MiB more`);
  context.diagnostic(figures.join('; '));
  const bearable = rounds.filter(({ flooded, calm }) => flooded <= Math.max(FLOOR_MS, MAX_RATIO * calm));
  assert.ok(bearable.length > 0, figures.join('; '));
  assert.ok(
    rounds.every(({ requests }) => requests > LEAST_REQUESTS),
    figures.join('; '),
  );
  assert.ok(grown < MEMORY, figures.join('; '));
});
