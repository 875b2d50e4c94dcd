import type { Config } from '../config/config.ts';
import type { Tally } from '../exchange/tally.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { accessOutlet } from '../outlets/access-outlet.ts';
import type { LineOutlet } from '../outlets/line-outlet.ts';

/** Where a server writes down requests. It outlives a change of the configuration. */
export class Records {
  /** Undefined: lines of requests go to the log. */
  readonly outlet: LineOutlet | undefined;

  constructor({ log: settings }: Config, log: Log, tally: Tally, clock: Clock) {
    this.outlet = accessOutlet(settings, log, tally.accessLogDropped, clock);
  }

  /** @throws StartError */
  async open(): Promise<void> {
    await this.outlet?.open();
  }

  /** The access log goes to the file that has its name now. Never rejects. */
  async reopen(): Promise<void> {
    await this.outlet?.reopen();
  }

  /** What was written before leaves, but not for long. */
  async close(): Promise<void> {
    await this.outlet?.close();
  }
}
