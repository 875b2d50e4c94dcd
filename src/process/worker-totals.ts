import { addFigures, countersOf, type Figures } from '../admin/figures.ts';

/** The figures of all workers together. The counts of a worker that has ended stay in them. */
export class WorkerTotals {
  #ended: Figures | undefined;

  /** A worker has ended; these are its last figures, if it reported any. */
  keep(last: Figures | undefined): void {
    if (last !== undefined) this.#ended = countersOf(this.with([last]));
  }

  /** @param living the last figures of each worker that lives. */
  with(living: Iterable<Figures | undefined>): Figures {
    return addFigures([this.#ended, ...living].filter((figures) => figures !== undefined));
  }
}
