import type { IssuerConfig, RemoteKeysConfig } from '../../src/config/config.ts';
import type { VerificationKey } from '../../src/keys/key.ts';
import type { Fetch } from '../../src/keysets/fetch-document.ts';
import { RemoteKeySet } from '../../src/keysets/remote-key-set.ts';
import type { KeySetStore } from '../../src/keysets/store.ts';
import { systemFetch } from '../../src/keysets/system-fetch.ts';
import type { Log } from '../../src/lib/log.ts';
import { issuer } from '../auth/support.ts';
import { FakeTime } from './fake-time.ts';

const SECOND = 1000;

/** The defaults of the configuration, with changes. */
export function remoteKeys(url: string, changes: Partial<RemoteKeysConfig> = {}): RemoteKeysConfig {
  return {
    kind: 'jwks',
    url,
    allowHttp: false,
    refreshMinMs: 60 * SECOND,
    refreshMaxMs: 3600 * SECOND,
    timeoutMs: 5 * SECOND,
    staleMs: 24 * 3600 * SECOND,
    unknownKidGapMs: 30 * SECOND,
    ...changes,
  };
}

function remoteIssuer(url: string, changes: Partial<RemoteKeysConfig> = {}): IssuerConfig {
  return issuer({ algorithms: ['RS256'], keys: [], remotes: [remoteKeys(url, changes)] });
}

/** Log lines as `level message`. */
export class LogRecorder implements Log {
  readonly lines: string[] = [];
  readonly fields: object[] = [];

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message);
  }
  info(fields: object, message: string): void {
    this.#add('info', fields, message);
  }
  warn(fields: object, message: string): void {
    this.#add('warn', fields, message);
  }
  error(fields: object, message: string): void {
    this.#add('error', fields, message);
  }

  #add(level: string, fields: object, message: string): void {
    this.lines.push(`${level} ${message}`);
    this.fields.push(fields);
  }

  /** Everything but debug lines; they are cleared then. */
  take(): readonly string[] {
    return this.lines.splice(0).filter((line) => !line.startsWith('debug'));
  }
}

export interface SubjectOptions {
  readonly changes?: Partial<RemoteKeysConfig>;
  readonly issuer?: Partial<IssuerConfig>;
  readonly store?: KeySetStore;
  readonly fetch?: Fetch;
  readonly time?: FakeTime;
  readonly random?: number;
  readonly setKeys?: (keys: readonly VerificationKey[]) => void;
}

/** A key set under test, whose time the test moves and whose acts are recorded. */
export class Subject {
  readonly time: FakeTime;
  readonly log = new LogRecorder();
  readonly set: RemoteKeySet;
  /** Kids of each set that was put in force. */
  readonly enforced: (readonly (string | undefined)[])[] = [];

  constructor(url: string, options: SubjectOptions = {}) {
    this.time = options.time ?? new FakeTime();
    const config = { ...remoteIssuer(url, options.changes), ...options.issuer };
    this.set = new RemoteKeySet(config, remoteKeys(url, options.changes), {
      clock: this.time,
      timers: this.time,
      random: () => options.random ?? 0.5,
      fetch: options.fetch ?? systemFetch,
      log: this.log,
      store: options.store,
      setKeys: (_, keys) => {
        options.setKeys?.(keys);
        this.enforced.push(keys.map(({ kid }) => kid));
      },
    });
  }

  /** Starts it and waits for its first fetch to end. */
  async start(): Promise<void> {
    this.set.start();
    await this.settled();
  }

  /** Resolves when the current fetch has ended. */
  async settled(): Promise<void> {
    if (this.set.nextRefreshSeconds === undefined) await this.set.refetch();
  }

  /** Lets time pass until the next fetch, and waits for its end. */
  async next(): Promise<void> {
    this.time.advance((this.set.nextRefreshSeconds ?? 0) * 1000);
    await this.settled();
  }
}
