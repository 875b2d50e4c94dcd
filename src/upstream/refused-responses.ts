import type { CounterFamily } from '../lib/counters.ts';
import { LineLimit } from '../lib/line-limit.ts';
import type { Log } from '../lib/log.ts';
import type { ResponseFault as H1Fault } from './h1/response-parser.ts';
import type { H2Fault } from './h2/response-reader.ts';

type ResponseFault = H1Fault | H2Fault;

export interface RefusedResponsesOptions {
  readonly upstream: string;
  /** Address of the server, for the log. */
  readonly server: string;
  readonly log: Log;
  /** By the parser's fault. */
  readonly counts: CounterFamily;
}

/** Counts the refused responses of one server. Logs them at a bounded rate. */
export class RefusedResponses {
  readonly #options: RefusedResponsesOptions;
  /** By the parser's fault, of which there are few. */
  readonly #limits = new Map<ResponseFault, LineLimit>();

  constructor(options: RefusedResponsesOptions) {
    this.#options = options;
  }

  readonly add = (fault: ResponseFault): void => {
    const { upstream, server, log, counts } = this.#options;
    counts.of(fault).value += 1;
    if (this.#limitOf(fault).take()) {
      log.warn({ upstream, server, fault }, 'an answer of an upstream server was refused');
    }
  };

  #limitOf(fault: ResponseFault): LineLimit {
    let limit = this.#limits.get(fault);
    if (limit === undefined) {
      const { upstream, server, log } = this.#options;
      limit = new LineLimit((leftOut) =>
        log.warn({ upstream, server, fault, leftOut }, 'more answers of an upstream server were refused'),
      );
      this.#limits.set(fault, limit);
    }
    return limit;
  }
}
