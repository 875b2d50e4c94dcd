import type { Config, TrafficAddress } from '../config/config.ts';
import { certificateFiles, type Renewal } from '../config/renew.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { failureText } from '../lib/start-error.ts';
import { FileChanges } from './file-changes.ts';

/** Milliseconds between two looks at the files: a look costs some microseconds a file. */
const LOOK_MS = 5_000;
/** Milliseconds after which files are read again that could not be read for want of time or memory. */
const RETRY_MS = 5 * 60_000;

export interface CertificateWatchOptions {
  readonly gateway: {
    readonly config: Config;
    /** See `Gateway.renew`. */
    renew(read: (listen: readonly TrafficAddress[]) => Promise<Renewal>): Promise<Renewal>;
  };
  readonly log: Log;
  /** See `renewCertificates`. @throws StartError */
  readonly read: (listen: readonly TrafficAddress[]) => Promise<Renewal>;
  readonly lookMs?: number;
}

/**
 * Puts the certificates, and the authorities and lists for those of clients, in force that files have been given. A
 * program writes chain and key one after the other, so files are read once a whole round has found no change.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #changes = new FileChanges();
  /** The configuration at the last look. */
  #config: Config | undefined;
  /** Files have changed and were not read yet. */
  #isDue = false;
  /** Monotonic milliseconds before which files are not read. */
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#look()
      .catch((error: unknown) => log.error({ error }, 'certificate files could not be watched'))
      .finally(() => {
        if (this.#stopped) return;
        this.#timer = setTimeout(() => this.start(), this.#options.lookMs ?? LOOK_MS).unref();
      });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { gateway } = this.#options;
    const { config } = gateway;
    const isNew = config !== this.#config;
    this.#config = config;
    const changed = await this.#changes.look(certificateFiles(config.listen), isNew);
    if (changed) {
      this.#isDue = true;
      this.#notBefore = 0;
    } else if (this.#isDue && !this.#stopped && systemClock.monotonic() >= this.#notBefore) {
      await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const { gateway, log, read } = this.#options;
    try {
      const { renewed, faults } = await gateway.renew(read);
      this.#isDue = false;
      // A change of its own needs no second reading.
      this.#config = gateway.config;
      if (renewed.length > 0) log.info({ renewed }, 'files have changed, and what they hold is in force');
      if (faults.length > 0) {
        log.error({ faults }, 'files have changed, and what they hold cannot serve: the old stays');
      }
    } catch (error) {
      this.#notBefore = systemClock.monotonic() + RETRY_MS;
      log.error({ why: failureText(error) }, 'files have changed, and could not be put in force');
    }
  }
}
