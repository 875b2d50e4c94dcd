import type { Config } from './config/config.ts';
import { type Fault, formatFault } from './config/fault.ts';
import { configFromObject } from './config/load.ts';
import type { ConfigObject } from './config/schema/schema.ts';
import { parseDuration } from './config/schema/units.ts';
import type { Addresses } from './gateway/addresses.ts';
import { createGateway as createFromConfig, type LocalGateway } from './gateway/local-gateway.ts';
import { createLog, type Log } from './lib/log.ts';

export type { ConfigObject } from './config/schema/schema.ts';
export type { Addresses } from './gateway/addresses.ts';
export type { Log } from './lib/log.ts';
// biome-ignore lint/performance/noBarrelFile: this file is the surface of the package
export { StartError } from './lib/start-error.ts';

/** The configuration has faults; `message` lists them all, one on each line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(formatFault).join('\n'));
    this.faults = faults.map(({ path, message }) => ({ path, message }));
  }
}

export interface ConfigFault {
  /** `issuers.app.keys.pem`, `routes[0].match`. */
  readonly path: string;
  /** What is wrong; what would be right. Never a secret. */
  readonly message: string;
}

export interface GatewayOptions {
  /** Receives log lines of every level. Without it, JSON lines of `log.level` and above go to standard output. */
  readonly log?: Log;
  /**
   * Whether addresses with TLS are served by a Node.js with known holes in it; false by default, and `start` rejects
   * with a StartError then.
   */
  readonly acceptVulnerableNode?: boolean;
}

/** One gateway in this process. */
export interface Gateway {
  /** Resolves when every address is bound. Rejects with a `StartError` when an address or a file is not available. */
  start(): Promise<void>;
  /**
   * Puts another configuration in force for every request that begins from then on; no connection is closed. Rejects
   * with a ConfigError, or with a StartError when a part of it is not available or cannot change while the gateway
   * runs (`admin`, `limits.requestHead`, `log.level`, `revocation`, `state`); either leaves everything as it was.
   */
  reload(config: ConfigObject): Promise<void>;
  /**
   * Refuses new connections, lets requests in flight end within `grace`, then cuts the others. A closed gateway cannot
   * be started again.
   * @param options.grace `'5s'`, `'250ms'`, or milliseconds; `shutdown.grace` of the configuration by default.
   * @returns how many requests were cut.
   */
  close(options?: { readonly grace?: string | number }): Promise<number>;
  /** Opens the file of `log.access.file` again, for a program that has renamed it. Never rejects. */
  reopenLogs(): Promise<void>;
  /** The bound addresses once it has started, with the ports that the system chose where 0 was asked for. */
  readonly addresses: Addresses;
}

/**
 * Builds a gateway; `start` opens it.
 * @param config the content of a configuration file, as an object. Relative paths start at the current folder;
 *   `${NAME}` is replaced from the environment.
 * @throws ConfigError with every fault in it, those of the key files it names included.
 */
export function createGateway(config: ConfigObject, options: GatewayOptions = {}): Gateway {
  const checked = check(config);
  const log = options.log ?? createLog({ level: checked.log.level, format: checked.log.format });
  warn(log, checked);
  return new EmbeddedGateway(
    createFromConfig(checked, { log, acceptVulnerableNode: options.acceptVulnerableNode === true }),
    checked.shutdown.graceMs,
    log,
  );
}

function check(config: ConfigObject): Config {
  const result = configFromObject(config, process.cwd(), process.env);
  if (!result.ok) throw new ConfigError(result.faults);
  return result.config;
}

function warn(log: Log, { warnings }: Config): void {
  for (const warning of warnings) log.warn({}, warning);
}

class EmbeddedGateway implements Gateway {
  readonly #inner: LocalGateway;
  readonly #log: Log;
  #defaultGraceMs: number;
  #starting: Promise<void> | undefined;
  #closed = false;

  constructor(inner: LocalGateway, defaultGraceMs: number, log: Log) {
    this.#inner = inner;
    this.#log = log;
    this.#defaultGraceMs = defaultGraceMs;
  }

  get addresses(): Addresses {
    return this.#inner.addresses;
  }

  start(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the gateway has been closed; create another one'));
    this.#starting ??= this.#inner.start();
    return this.#starting;
  }

  async reload(config: ConfigObject): Promise<void> {
    const checked = check(config);
    await this.#inner.reload(checked);
    warn(this.#log, checked);
    this.#defaultGraceMs = checked.shutdown.graceMs;
  }

  reopenLogs(): Promise<void> {
    return this.#inner.servers.reopenLogs();
  }

  async close(options: { readonly grace?: string | number } = {}): Promise<number> {
    const graceMs = options.grace === undefined ? this.#defaultGraceMs : milliseconds(options.grace);
    this.#closed = true;
    // A start that is under way would open addresses after the close.
    await this.#starting?.catch(() => {});
    return this.#inner.close({ graceMs });
  }
}

/** The longest a timer can wait. */
const MAX_GRACE_MS = 2 ** 31 - 1;

function milliseconds(grace: string | number): number {
  const value = typeof grace === 'number' ? grace : parseDuration(grace);
  if (value === undefined || !(value >= 0 && value <= MAX_GRACE_MS)) {
    throw new RangeError("grace must be a duration such as '250ms' or '5s', or milliseconds");
  }
  return value;
}
