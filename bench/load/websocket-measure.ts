import { type Bench, type Contestant, cpuOf } from '../measure.ts';
import { cpuMicros } from '../proc.ts';
import type { Measurement } from '../results.ts';
import { settled } from '../upstream.ts';
import type { WebSocketResult, WebSockets, WebSocketWork } from './websockets.ts';

/** One work of clients that are open; it counts only if upstream has seen as many messages. */
export async function measureWebSockets(
  { upstream }: Bench,
  { running }: Contestant,
  clients: WebSockets,
  work: WebSocketWork,
): Promise<Measurement> {
  const servedBefore = await upstream.served();
  const before = cpuMicros(running.subprocess.pid);
  const upstreamBefore = cpuOf(upstream);
  const result = await clients.do(work);
  const cpu = cpuMicros(running.subprocess.pid) - before;
  const upstreamCpu = cpuOf(upstream) - upstreamBefore;
  const served = (await settled(upstream)) - servedBefore;
  return {
    completed: result.completed,
    requestsPerSecond: result.completed / result.seconds,
    cpuMicros: result.completed === 0 ? 0 : cpu / result.completed,
    ...result.latency,
    gatewayCores: cpu / 1e6 / result.seconds,
    generatorCores: result.generatorCores,
    upstreamCores: upstreamCpu / 1e6 / result.seconds,
    fault: faultOf(result, served),
  };
}

function faultOf({ completed, failures }: WebSocketResult, served: number): string | null {
  if (failures > 0) return `${failures} WebSockets failed`;
  if (completed === 0) return 'no message came back';
  return served === completed ? null : `${completed} messages, but the upstream sent ${served}`;
}
