import { setPriority } from 'node:os';
import { type Children, scriptBeside } from '../children.ts';
import { LEAST_PRIORITY, type LoadGenerator, type LoadPlan, type LoadResult } from './load.ts';

/** autocannon in its own process, started anew for each load. */
export function autocannonLoad(children: Children): LoadGenerator {
  return {
    name: 'autocannon',
    async run(plan: LoadPlan): Promise<LoadResult> {
      const child = children.fork('load', scriptBeside(import.meta.url, 'autocannon-client'));
      if (plan.background === true) setPriority(child.pid, LEAST_PRIORITY);
      child.process.send(plan);
      try {
        return (await child.message()) as LoadResult;
      } finally {
        await child.stop();
      }
    },
  };
}
