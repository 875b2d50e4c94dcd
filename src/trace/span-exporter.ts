import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { CounterFamily } from '../lib/counters.ts';
import { LineLimit } from '../lib/line-limit.ts';
import type { Log } from '../lib/log.ts';
import { settledWithin } from '../lib/settled-within.ts';
import { StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import { type RequestSpan, spanAttributes, spanError, spanName } from './request-span.ts';

type Exported = Parameters<OTLPTraceExporter['export']>[0][number];

/** Spans that wait, some 1 KiB each; further ones are dropped. */
const MAX_WAITING = 2048;
/** Spans of one request to the receiver: they are written in one piece, which takes the event loop some 2 ms. */
const MAX_BATCH = 128;
/** Milliseconds until a batch that is not full is sent. */
const DELAY_MS = 1_000;
/** Milliseconds for a batch to be taken, its repetitions included. */
const EXPORT_MS = 5_000;
/** Milliseconds in which spans may still leave when the gateway closes. */
const CLOSE_MS = 2_000;

/** Numbers of the API of OpenTelemetry. */
const SERVER = 1;
const SAMPLED = 1;
const [UNSET, ERROR] = [0, 2];

/**
 * Sends spans to an OTLP receiver in the background, with the exporter of OpenTelemetry, which is loaded when this opens.
 * One batch is under way at a time. Spans that a slow receiver leaves no room for are dropped, and counted.
 */
export class SpanExporter {
  readonly #url: string;
  readonly #log: Log;
  /** By result: `exported`, `dropped`, `failed`. */
  readonly #counts: CounterFamily;
  readonly #lines = new LineLimit(() => {});
  #send: ((spans: readonly RequestSpan[]) => Promise<Error | undefined>) | undefined;
  #shutdown: () => Promise<void> = () => Promise.resolve();
  #waiting: RequestSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;

  constructor(url: string, log: Log, counts: CounterFamily) {
    this.#url = url;
    this.#log = log;
    this.#counts = counts;
  }

  /** Does not wait for the receiver. @throws StartError when the exporter is not installed. */
  async open(): Promise<void> {
    try {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
      const { resourceFromAttributes } = await import('@opentelemetry/resources');
      const exporter = new OTLPTraceExporter({ url: this.#url, timeoutMillis: EXPORT_MS });
      const resource = resourceFromAttributes({ 'service.name': 'portcullis', 'service.version': version });
      this.#send = (spans) =>
        new Promise((resolve) => {
          const shown = spans.map((span) => exportedSpan(span, resource));
          exporter.export(shown, ({ code, error }) =>
            resolve(code === 0 ? undefined : (error ?? new Error('unknown'))),
          );
        });
      this.#shutdown = () => exporter.shutdown();
    } catch (error) {
      throw new StartError('tracing.otlp: the packages of OpenTelemetry cannot be loaded', { cause: error });
    }
  }

  /** Takes a span of a request that has ended. */
  add(span: RequestSpan): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#counts.of('dropped').value += 1;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= MAX_BATCH) this.#work();
    else this.#timer ??= setTimeout(() => this.#work(), DELAY_MS).unref();
  }

  /** Lets spans that wait leave, but not for long. */
  async close(): Promise<void> {
    this.#work();
    await settledWithin(this.#working, CLOSE_MS);
    clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#counts.of('dropped').value += this.#waiting.length;
    this.#waiting = [];
    // A batch under way ends by its own time-out.
    if (this.#working === undefined) await this.#shutdown();
  }

  #work(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#working ??= this.#run();
  }

  async #run(): Promise<void> {
    // Not in the turn of the request that has filled the batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#send !== undefined && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      const error = await this.#send(batch);
      this.#counts.of(error === undefined ? 'exported' : 'failed').value += batch.length;
      if (error !== undefined && this.#lines.take())
        this.#log.warn({ otlp: this.#url, why: error.message.slice(0, 200) }, 'spans could not be exported');
    }
    this.#working = undefined;
  }
}

function exportedSpan(span: RequestSpan, resource: Exported['resource']): Exported {
  const { traceId, spanId, parentId, startedAt, durationMs } = span;
  const context = (id: string) => ({ traceId, spanId: id, traceFlags: SAMPLED });
  return {
    name: spanName(span),
    kind: SERVER,
    spanContext: () => context(spanId),
    ...(parentId === '' ? {} : { parentSpanContext: { ...context(parentId), isRemote: true } }),
    startTime: hrTime(startedAt),
    endTime: hrTime(startedAt + durationMs),
    duration: hrTime(durationMs),
    status: { code: spanError(span) === undefined ? UNSET : ERROR },
    attributes: spanAttributes(span),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'portcullis', version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Milliseconds as seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
