import { boundedFaults } from '../admin/reload-record.ts';
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/fault.ts';
import type { LoadResult } from '../config/load.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Log } from '../lib/log.ts';
import { failureText, StartError } from '../lib/start-error.ts';
import type { SystemdLink } from './systemd/link.ts';

/** How a reload ended; `faults` is empty exactly when the configuration is in force in every worker. */
export interface ReloadOutcome {
  readonly file: string;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

export interface ReloaderOptions {
  readonly file: string;
  readonly gateway: Gateway;
  readonly systemd: SystemdLink;
  readonly log: Log;
  /** The configuration as it is now, or its faults. @throws StartError when it cannot be read */
  readonly read: () => Promise<LoadResult>;
  /** Resolves when the gateway has started. */
  readonly started: Promise<void>;
}

/** Reads the configuration again, puts it in force and reports the outcome; one reload at a time. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<unknown> | undefined;
  /** The reload that begins when the present one has ended. */
  #next: Promise<ReloadOutcome> | undefined;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every worker serves the configuration as the file was at the call or later, or when that configuration
   * is refused. While one reload waits for another, further callers share it, so at most one waits. Never rejects.
   */
  reload(): Promise<ReloadOutcome> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<ReloadOutcome> {
    const outcome = this.#run();
    const running = outcome.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return outcome;
  }

  async #run(): Promise<ReloadOutcome> {
    const { file, gateway, systemd, log, started } = this.#options;
    await started;
    systemd.reloading();
    const { faults, warnings, fields, message } = await this.#replace();
    if (faults.length === 0) {
      for (const warning of warnings) log.warn({}, warning);
      log.info({ config: file, listen: gateway.addresses.listen }, 'the configuration was reloaded');
    } else {
      log.error({ config: file, ...fields }, message);
    }
    systemd.ready();
    await systemd.delivered();
    return { file, faults: boundedFaults(faults), warnings };
  }

  async #replace(): Promise<Replacement> {
    const { gateway } = this.#options;
    let read: Config | Faulty;
    try {
      read = await this.#read();
    } catch (error) {
      const refusal = refusalOf(error);
      gateway.record.refused(refusal.faults);
      return refusal;
    }
    if ('faults' in read) {
      gateway.record.refused(read.faults);
      const message = 'the configuration was not reloaded: it has faults; the old one stays';
      return { faults: read.faults, warnings: [], fields: read, message };
    }
    try {
      await gateway.reload(read);
    } catch (error) {
      return refusalOf(error);
    }
    return { faults: [], warnings: read.warnings, fields: {}, message: '' };
  }

  async #read(): Promise<Config | Faulty> {
    try {
      const result = await this.#options.read();
      return result.ok ? result.config : { faults: boundedFaults(result.faults.map(formatFault)) };
    } catch (error) {
      if (error instanceof StartError) return { faults: [error.message] };
      throw error;
    }
  }
}

interface Replacement {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  /** Fields of the log line about a failure. */
  readonly fields: object;
  readonly message: string;
}

interface Faulty {
  readonly faults: readonly string[];
}

function refusalOf(error: unknown): Replacement {
  return {
    faults: [failureText(error)],
    warnings: [],
    fields: error instanceof StartError ? { why: error.message } : { error },
    message: 'the configuration was not reloaded; the old one stays',
  };
}
