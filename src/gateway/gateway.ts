import { ReloadRecord } from '../admin/reload-record.ts';
import type { Config } from '../config/config.ts';
import { keysOf } from '../keysets/key-sets.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { ProcessWatch } from '../lib/process-figures.ts';
import { StartError } from '../lib/start-error.ts';
import { ServerBoard } from '../upstream/server-board.ts';
import { serversOf } from '../upstream/server-state.ts';
import { adminView } from './admin-view.ts';
import { ControlPlane } from './control-plane.ts';
import { assertFixedSettings } from './fixed-settings.ts';
import { type Change, Server } from './server.ts';
import { serverFigures } from './server-figures.ts';

export interface Addresses {
  /** `host:port` or `unix:/path` of each listening address, in the order of the configuration. */
  readonly listen: readonly string[];
  readonly admin: string;
  /** Of webhooks; undefined when they come to `admin` or not at all. */
  readonly webhooks?: string | undefined;
}

/** One gateway in this process. */
export interface Gateway {
  /** Resolves when every address is bound and the verifier threads are up. @throws StartError */
  start(): Promise<void>;
  /**
   * Puts another configuration in force, for every request from then on; those under way end as they began, and no
   * connection is closed. Resolves when it is in force. Rejects with a StartError, and leaves everything as it was,
   * when something of it is not available or cannot change while the gateway runs.
   */
  reload(config: Config): Promise<void>;
  /**
   * Refuses new connections, lets exchanges in flight end within `graceMs`, then cuts what is left.
   * @returns how many exchanges were cut.
   */
  close(options: { readonly graceMs: number }): Promise<number>;
  readonly addresses: Addresses;
}

/** Builds a gateway from a checked configuration; `start` opens it. */
export function createGateway(config: Config, options: { readonly log: Log }): Gateway {
  return new RunningGateway(config, options.log);
}

class RunningGateway implements Gateway {
  private readonly log: Log;
  private readonly control: ControlPlane;
  private readonly server: Server;
  private readonly board: ServerBoard;
  private readonly watch = new ProcessWatch();
  private readonly record = new ReloadRecord(undefined, systemClock);
  private reloading: Promise<void> = Promise.resolve();
  private closing: Promise<number> | undefined;

  constructor(config: Config, log: Log) {
    this.log = log;
    this.control = new ControlPlane(config, {
      clock: systemClock,
      log,
      judges: {
        setKeys: (issuer, keys) => this.server.authorizer.setKeys(issuer, keys),
        signedClaims: (token, issuer, key) => this.server.authorizer.signedClaims(token, issuer, key),
      },
    });
    this.board = new ServerBoard(log, systemClock);
    this.server = new Server(config, {
      log,
      refetch: (issuer) => this.control.keySets.refetch(issuer),
      revocations: this.control.revocation?.list,
      onServer: (report) => this.board.report(this, report),
      shared: false,
    });
  }

  get addresses(): Addresses {
    return { listen: this.server.addresses, ...this.control.addresses };
  }

  async start(): Promise<void> {
    const { server, control, log } = this;
    try {
      await server.open();
      await control.start(
        adminView({
          config: () => server.config,
          configuration: () => this.record.view,
          control,
          addresses: () => server.addresses,
          draining: () => server.draining,
          notServing: () =>
            server.addresses.length < server.config.listen.length
              ? [{ what: 'listener', why: 'not every address is bound yet' }]
              : [],
          gather: async () => ({
            figures: serverFigures(server),
            workers: [
              {
                ...this.watch.read(),
                state: server.draining ? 'draining' : 'serving',
                connections: server.connections.open,
              },
            ],
            workerDeaths: 0,
          }),
          log,
        }),
      );
      await server.listen();
    } catch (error) {
      await this.close({ graceMs: 0 });
      throw error;
    }
  }

  reload(config: Config): Promise<void> {
    const done = this.reloading.then(() => this.replace(config));
    this.reloading = done.catch(() => {}); // The caller is told; the next one starts all the same.
    return done;
  }

  close(options: { readonly graceMs: number }): Promise<number> {
    this.closing ??= this.shutDown(options.graceMs);
    return this.closing;
  }

  private async replace(config: Config): Promise<void> {
    if (this.closing !== undefined) throw new StartError('the gateway does not run');
    try {
      await this.putInForce(config);
    } catch (error) {
      this.record.refused([error instanceof Error ? error.message : String(error)]);
      throw error;
    }
    this.record.taken();
  }

  private async putInForce(config: Config): Promise<void> {
    const { control, server } = this;
    assertFixedSettings(server.config, config);
    const sets = await control.keySets.prepare(config.issuers);
    let change: Change | undefined;
    try {
      change = await server.prepare(config);
      change.commit(keysOf(sets));
    } catch (error) {
      change?.abandon();
      control.keySets.abandon(sets);
      throw error;
    }
    control.follow(config.issuers, sets);
    this.board.keep(serversOf(config));
  }

  private async shutDown(graceMs: number): Promise<number> {
    const cut = await this.server.close(graceMs);
    this.board.close();
    await this.control.close();
    this.watch.close();
    return cut;
  }
}
