import { runDemo } from '../demo/demo.ts';
import { createLog } from '../lib/log.ts';
import { stopSignal } from './signals.ts';

export interface DemoPorts {
  readonly port?: number;
  readonly issuerPort?: number;
  readonly adminPort?: number;
}

/** Runs the demo until a signal stops it; its output is for a person, so only errors are logged. */
export async function demo(ports: DemoPorts): Promise<number> {
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
