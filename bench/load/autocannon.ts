import { setPriority } from 'node:os';
import { type Subprocesses, scriptBeside } from '../subprocesses.ts';
import { LEAST_PRIORITY, type LoadGenerator, type LoadPlan, type LoadResult } from './load.ts';

/** autocannon in its own process, started anew for each load. */
export function autocannonLoad(subprocesses: Subprocesses): LoadGenerator {
  return {
    name: 'autocannon',
    async run(plan: LoadPlan): Promise<LoadResult> {
      const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, 'autocannon-client'));
      if (plan.background === true) setPriority(subprocess.pid, LEAST_PRIORITY);
      subprocess.process.send(plan);
      try {
        return (await subprocess.message()) as LoadResult;
      } finally {
        await subprocess.stop();
      }
    },
  };
}
