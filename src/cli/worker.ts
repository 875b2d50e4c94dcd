import { exitCodes } from './exit-code.ts';

/** Serves for the supervisor that started this process. */
export async function worker(): Promise<number> {
  if (process.send === undefined) {
    process.stderr.write('portcullis: listener is started by portcullis start, not by hand\n');
    return exitCodes.usage;
  }
  const { workerProcess } = await import('../process/worker-process.ts');
  return await workerProcess();
}
