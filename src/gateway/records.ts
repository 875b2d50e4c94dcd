import type { Config } from '../config/config.ts';
import type { Tally } from '../exchange/tally.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { accessOutlet } from '../outlets/access-outlet.ts';
import type { LineOutlet } from '../outlets/line-outlet.ts';
import { SpanExporter } from '../trace/span-exporter.ts';

/** Where a server writes down requests. It outlives a change of the configuration. */
export class Records {
  /** Undefined: lines of requests go to the log. */
  readonly outlet: LineOutlet | undefined;

  /** Undefined: no spans are exported. */
  readonly spans: SpanExporter | undefined;

  constructor({ log: settings, tracing }: Config, log: Log, tally: Tally, clock: Clock) {
    this.outlet = accessOutlet(settings, log, tally.accessLogDropped, clock);
    this.spans = tracing && new SpanExporter(tracing.otlp, log, tally.spans);
  }

  /** @throws StartError */
  async open(): Promise<void> {
    await this.outlet?.open();
    await this.spans?.open();
  }

  /** The access log goes to the file that has its name now. Never rejects. */
  async reopen(): Promise<void> {
    await this.outlet?.reopen();
  }

  /** What was written before leaves, but not for long. */
  async close(): Promise<void> {
    await Promise.all([this.outlet?.close(), this.spans?.close()]);
  }
}
