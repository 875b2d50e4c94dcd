import type { IncomingHttpHeaders } from 'node:http';
import { systemClock } from '../lib/clock.ts';
import { seenJson } from '../lib/foreign-text.ts';
import type { Timers } from '../lib/timers.ts';
import { addFigures, type GatewayFigures } from './figures.ts';
import { History } from './history.ts';
import { liveStatus } from './live-status.ts';
import { Sampler } from './sampler.ts';
import type { AdminView } from './view.ts';
import { Viewers } from './viewers.ts';

/** Ten minutes of the gateway, kept also while nothing looks at them, and those who follow it. */
export class StatusStream {
  readonly viewers: Viewers;
  readonly #view: AdminView;
  readonly #timers: Timers;
  readonly #history = new History();
  #gathered: GatewayFigures = { figures: addFigures([]), workers: [], workerDeaths: 0, engines: [] };
  #sampler: Sampler | undefined;

  /** @param canSetModes viewers may drain servers. @param hasSession see `Viewers`. */
  constructor(
    view: AdminView,
    timers: Timers,
    canSetModes: boolean,
    hasSession: (headers: IncomingHttpHeaders) => boolean,
  ) {
    this.#view = view;
    this.#timers = timers;
    const rows = (): string => seenJson(JSON.stringify(liveStatus(view, this.#gathered, canSetModes)));
    this.viewers = new Viewers(this.#history, view.startedAt.toString(36), rows, hasSession);
  }

  start(): void {
    this.#sampler = new Sampler({
      view: this.#view,
      history: this.#history,
      clock: systemClock,
      timers: this.#timers,
      start: this.#gathered,
      onSample: (gathered) => {
        this.#gathered = gathered;
        this.viewers.tell();
      },
    });
  }

  /** Takes no more samples. Streams end with the connections of the server. */
  close(): void {
    this.#sampler?.stop();
  }
}
