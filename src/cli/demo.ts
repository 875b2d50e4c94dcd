import { demoConfigText, runDemo } from '../demo/demo.ts';
import { createLog } from '../lib/log.ts';
import { exitCodes } from './exit-code.ts';
import { stopSignal } from './signals.ts';

export interface DemoArguments {
  readonly printConfig?: boolean;
  readonly port?: number;
  readonly issuerPort?: number;
  readonly adminPort?: number;
  readonly engine?: 'uws' | 'node';
}

/**
 * Runs the demo until a signal stops it. Its output is for a person, so it logs only errors. With `printConfig` it prints
 * the configuration and starts nothing.
 */
export async function demo({ printConfig = false, ...ports }: DemoArguments): Promise<number> {
  if (printConfig) return print(ports);
  const abort = new AbortController();
  stopSignal().then(() => abort.abort());
  return await runDemo({
    ...ports,
    log: createLog({ level: 'error' }),
    write: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(`portcullis: ${text}\n`),
    stop: abort.signal,
  });
}

function print(ports: Parameters<typeof demoConfigText>[0]): number {
  if (ports.issuerPort === 0) {
    process.stderr.write(
      'portcullis: --print-config names the port of the issuer: 0 is none until it runs; choose one with --issuer-port\n',
    );
    return exitCodes.usage;
  }
  process.stdout.write(demoConfigText(ports));
  return exitCodes.ok;
}
