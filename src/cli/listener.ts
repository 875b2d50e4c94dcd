import { exitCodes } from './exit-code.ts';

/** Serves for the supervisor that has started this process. */
export async function listener(): Promise<number> {
  if (process.send === undefined) {
    process.stderr.write('portcullis: listener is started by portcullis start, not by hand\n');
    return exitCodes.usage;
  }
  const { listenerProcess } = await import('../process/listener-process.ts');
  return await listenerProcess();
}
