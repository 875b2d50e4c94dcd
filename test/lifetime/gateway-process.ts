import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peakMemory, pidsBelow, presentMemory } from '../../bench/proc.ts';
import { start } from '../cli/program.ts';
import { sums } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

/** A gateway in processes of its own, so that the memory of them all can be measured. */
export interface GatewayProcess {
  readonly port: number;
  /** Resident memory now, in bytes. */
  resident(): number;
  /** The most it has been since `forgetPeak`, in bytes. */
  peak(): number;
  forgetPeak(): void;
  /** How many exchanges ended with each outcome. */
  outcomes(): Promise<Record<string, number>>;
  /** Upstream connections by state. */
  connections(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Starts one with a single open route to `upstreamPort`; `more` is merged into the configuration file. */
export async function startGatewayProcess(
  upstreamPort: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const file = join(folder, 'portcullis.yaml');
  // JSON is YAML.
  const config = {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    verifiers: 1,
    upstream: `http://127.0.0.1:${upstreamPort}`,
    auth: 'none',
    shutdown: { grace: '1s' },
    ...more,
  };
  writeFileSync(file, JSON.stringify(config));
  const { child, ended, printed } = start(['start', '--config', file]);
  const text = await printed(/"message":"ready"/);
  const [port = 0, adminPort = 0] = Array.from(
    text.matchAll(/"address":"127\.0\.0\.1:(\d+)"/g),
    ([, digits]) => Number(digits),
  );
  const { pid } = child;
  if (pid === undefined) throw new Error('the gateway did not start');
  const metrics = async (): Promise<string> =>
    (await request(adminPort, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).body;
  return {
    port,
    resident: () => presentMemory(pid),
    peak: () => peakMemory(pid),
    forgetPeak: () => {
      for (const one of pidsBelow(pid)) writeFileSync(`/proc/${one}/clear_refs`, '5');
    },
    outcomes: async () => sums(await metrics(), 'portcullis_requests_total', 'outcome'),
    connections: async () => sums(await metrics(), 'portcullis_upstream_connections', 'state'),
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
