import { loadConfig } from '../config/load.ts';
import { renewCertificates } from '../config/renew.ts';
import { StartError } from '../lib/start-error.ts';
import type { LoadOutcome, LoadRequest } from '../process/load-process.ts';
import { exitCodes } from './exit-code.ts';

/** Reads one configuration, or its certificates again, for the process that started this one, and sends it the outcome. */
export async function load(): Promise<number> {
  if (process.send === undefined) {
    process.stderr.write('portcullis: load is started by portcullis start, not by hand; use check\n');
    return exitCodes.usage;
  }
  // A terminal's signals reach every process of the gateway. This process ends by itself.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  const request = await new Promise<LoadRequest>((resolve) => process.once('message', resolve));
  const outcome = outcomeOf(request);
  await new Promise<void>((resolve, reject) => {
    process.send?.(outcome, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
  return exitCodes.ok;
}

function outcomeOf(request: LoadRequest): LoadOutcome {
  if (request.kind === 'certificates') return renewCertificates(request.listen);
  const { file, env, running } = request;
  try {
    return loadConfig({ file, env, running });
  } catch (error) {
    if (error instanceof StartError) return { unavailable: error.message };
    throw error;
  }
}
