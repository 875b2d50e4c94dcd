import type { Config } from '../config/config.ts';
import { type BuiltService, buildService, type Surroundings } from './build-service.ts';

/** One configuration at work: it serves until another takes its place, and ends with its last exchange. */
export class Generation {
  readonly config: Config;
  readonly service: BuiltService;
  readonly #onClosed: (generation: Generation) => void;
  #live = 0;
  #retired = false;
  #closing: Promise<void> | undefined;

  /** Throws when the configuration cannot be put to work. @param onClosed told when nothing of it is left. */
  constructor(config: Config, surroundings: Surroundings, onClosed: (generation: Generation) => void) {
    this.config = config;
    this.#onClosed = onClosed;
    this.service = buildService(config, {
      ...surroundings,
      onEnd: (exchange) => {
        surroundings.onEnd(exchange);
        this.#live -= 1;
        if (this.#retired && this.#live === 0) void this.close();
      },
    });
  }

  /** An exchange begins, which its service will tell the end of. */
  begin(): void {
    this.#live += 1;
  }

  /** No exchange begins here any more; those under way go on to their end. */
  retire(): void {
    this.#retired = true;
    for (const upstream of this.service.upstreams.values()) upstream.drain();
    if (this.#live === 0) void this.close();
  }

  /** Ends everything now. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const upstream of this.service.upstreams.values()) upstream.close();
    await this.service.authorizer.close();
    this.#onClosed(this);
  }
}
