import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMicrosOfEnded } from '../proc.ts';
import { findProgram } from '../programs.ts';
import { LatencyHistogram } from '../stats.ts';
import type { Subprocesses } from '../subprocesses.ts';
import { type LoadGenerator, type LoadPlan, type LoadResult, STATUSES } from './load.ts';

/** Why h2load cannot run here, with the remedy. */
export function h2loadUnavailable(): string | undefined {
  return findProgram('h2load') === undefined
    ? 'h2load is not installed: apt-get install -y nghttp2-client'
    : undefined;
}

/** HTTP/2 by prior knowledge. h2load has one set of headers, so all requests carry the first token of the plan. */
export function h2load(subprocesses: Subprocesses, directory: string): LoadGenerator {
  return {
    name: 'h2load',
    async run(plan: LoadPlan): Promise<LoadResult> {
      // h2load takes only whole seconds.
      const seconds = Math.max(1, Math.round(plan.seconds));
      const latencies = new LatencyHistogram();
      const cpuBefore = cpuMicrosOfEnded();
      const counts = await runOnce(subprocesses, directory, plan, latencies, [
        `-m${plan.streams ?? 1}`,
        `-D${seconds}`,
      ]);
      const cpu = cpuMicrosOfEnded() - cpuBefore;
      return {
        ...counts,
        seconds,
        latency: latencies.summary(),
        generatorCores: cpu / 1e6 / seconds,
      };
    },
  };
}

/**
 * One request by HTTP/1.1 on each of many connections, the first token of the plan in all of them. h2load never resumes a
 * session of TLS. It is started again and again, each time for as many connections as the plan has; its latencies leave
 * the handshake out.
 */
export function newConnections(subprocesses: Subprocesses, directory: string): LoadGenerator {
  return {
    name: 'h2load',
    async run(plan: LoadPlan): Promise<LoadResult> {
      const latencies = new LatencyHistogram();
      const cpuBefore = cpuMicrosOfEnded();
      const startedAt = performance.now();
      const sum = { completed: 0, failures: 0 };
      let seconds = 0;
      while (seconds < plan.seconds) {
        const counts = await runOnce(subprocesses, directory, plan, latencies, [
          '--h1',
          `-n${plan.connections}`,
        ]);
        sum.completed += counts.completed;
        sum.failures += counts.failures;
        seconds = (performance.now() - startedAt) / 1000;
      }
      const cpu = cpuMicrosOfEnded() - cpuBefore;
      return {
        ...sum,
        seconds,
        latency: latencies.summary(),
        generatorCores: cpu / 1e6 / seconds,
      };
    },
  };
}

/** Runs h2load to its end. @param latencies records those of good responses. */
async function runOnce(
  subprocesses: Subprocesses,
  directory: string,
  plan: LoadPlan,
  latencies: LatencyHistogram,
  options: readonly string[],
): Promise<Pick<LoadResult, 'completed' | 'failures'>> {
  const [token] = readFileSync(plan.tokenFile, 'latin1').split('\n');
  const log = join(directory, 'h2load.log');
  // h2load appends to its log.
  rmSync(log, { force: true });
  const subprocess = subprocesses.spawn(
    'load',
    findProgram('h2load') ?? 'h2load',
    ['-t1', `-c${plan.connections}`, ...options, `--log-file=${log}`]
      .concat(token ? ['-H', `authorization: Bearer ${token}`] : [])
      .concat(plan.url),
    'pipe',
  );
  let text = '';
  subprocess.process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(subprocess.process, 'close');
  const [, done, failed] = /^requests: .* (\d+) done, \d+ succeeded, (\d+) failed,/m.exec(text) ?? [];
  if (failed === undefined) throw new Error(`h2load gave no result: ${text} ${subprocess.output}`);
  const completed = readLog(readFileSync(log, 'latin1'), STATUSES[plan.expect], latencies);
  return { completed, failures: Number(failed) + Math.max(0, Number(done) - completed) };
}

/**
 * Reads a log of h2load: a line for each response, with the time of its request, its status and its microseconds.
 * @returns the responses with one of the statuses; only their latencies are recorded.
 */
export function readLog(text: string, statuses: readonly number[], latencies: LatencyHistogram): number {
  let completed = 0;
  for (const line of text.split('\n')) {
    const [, status, micros] = line.split('\t');
    if (!statuses.includes(Number(status))) continue;
    completed += 1;
    latencies.record(Number(micros) / 1000);
  }
  return completed;
}
