import type { Clock } from '../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';
import type { GatewayFigures } from './figures.ts';
import type { History } from './history.ts';
import { type Reading, sampleOf } from './sample.ts';
import type { AdminView } from './view.ts';

/** Milliseconds between two samples. Workers that hang make it up to a second more. */
const SAMPLE_MS = 1_000;

export interface SamplerOptions {
  readonly view: AdminView;
  readonly history: History;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The figures before the first request. */
  readonly start: GatewayFigures;
  readonly onSample: (gathered: GatewayFigures) => void;
}

/** Adds a sample to the history each second, from the start to the end of a gateway. */
export class Sampler {
  readonly #options: SamplerOptions;
  #cancel: () => void = () => {};
  #before: Reading;
  #due: number;
  #failed = false;
  #stopped = false;

  constructor(options: SamplerOptions) {
    const { clock } = options;
    this.#options = options;
    this.#due = clock.monotonic();
    // All counts of a gateway begin at 0.
    this.#before = { at: clock.wall(), monotonic: this.#due, gathered: options.start };
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** By the clock, so that the time of a sample does not add up. */
  #arm(): void {
    const { clock, timers } = this.#options;
    const now = clock.monotonic();
    this.#due = Math.max(this.#due + SAMPLE_MS, now);
    this.#cancel = timers.after(this.#due - now, () => void this.#take());
  }

  async #take(): Promise<void> {
    const { view } = this.#options;
    try {
      const gathered = await view.gather();
      if (!this.#stopped) this.#add(gathered);
      this.#failed = false;
    } catch (error) {
      // Not once a second.
      if (!this.#failed) view.fault(error);
      this.#failed = true;
    }
    if (!this.#stopped) this.#arm();
  }

  #add(gathered: GatewayFigures): void {
    const { view, history, clock, onSample } = this.#options;
    const reading: Reading = { at: clock.wall(), monotonic: clock.monotonic(), gathered };
    history.add(sampleOf(this.#before, reading, view));
    this.#before = reading;
    onSample(gathered);
  }
}
