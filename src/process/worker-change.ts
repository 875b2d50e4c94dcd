import type { Config } from '../config/config.ts';
import type { KeysByIssuer } from './messages.ts';
import type { Worker } from './worker.ts';
import { isWorkerEnd } from './worker-channel.ts';
import type { WorkerSet } from './worker-set.ts';

/** Puts a configuration in force in every worker or, when one of them cannot take it, in none; see `Change`. */
export class WorkerChange {
  readonly #set: WorkerSet;
  readonly #configOf: (index: number) => Config;
  #workers: readonly Worker[] = [];
  #prepared: readonly PromiseSettledResult<void>[] = [];
  #release: (() => void) | undefined;

  constructor(set: WorkerSet, configOf: (index: number) => Config) {
    this.#set = set;
    this.#configOf = configOf;
  }

  async prepare(): Promise<void> {
    this.#release = await this.#set.changes.acquire();
    this.#set.assertOpen();
    // Also those that drain: the clients that they still serve are served by the same rules as all others.
    this.#workers = this.#set.living.filter(({ state }) => state !== 'starting');
    this.#prepared = await Promise.allSettled(
      this.#workers.map((worker) => {
        const config = this.#configOf(worker.index);
        return worker.prepare(worker.state === 'draining' ? { ...config, listen: [] } : config);
      }),
    );
    const refused = this.#prepared.find(
      (result, at) =>
        result.status === 'rejected' &&
        !isWorkerEnd(result.reason) &&
        this.#workers[at]?.state !== 'draining',
    );
    if (refused !== undefined) throw (refused as PromiseRejectedResult).reason;
  }

  /** @param take makes `WorkerSetOptions.configOf` give this configuration. If it throws, nothing has changed. */
  commit(keys: KeysByIssuer, take: () => void): Promise<void> {
    this.#set.assertOpen();
    take();
    const committed = this.#workers.map((worker, at) => {
      if (this.#prepared[at]?.status === 'fulfilled') {
        return this.#set.commit(worker, this.#configOf(worker.index), keys);
      }
      // It ends anyway, and must not serve by old rules until then.
      return worker.channel.send({ kind: 'close', graceMs: 0 });
    });
    this.#set.leases.reset();
    return Promise.all(committed).then(() => this.#release?.());
  }

  abandon(): void {
    for (const { channel } of this.#workers) channel.send({ kind: 'abandon' });
    this.#release?.();
  }
}
