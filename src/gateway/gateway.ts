import { ReloadRecord } from '../admin/reload-record.ts';
import type { AdminView, ConfigurationView } from '../admin/view.ts';
import type { Config, TrafficAddress } from '../config/config.ts';
import type { Renewal } from '../config/renew.ts';
import { keysOf } from '../keysets/key-sets.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { freeze } from '../lib/freeze.ts';
import type { Log } from '../lib/log.ts';
import { Mutex } from '../lib/mutex.ts';
import { failureText, StartError } from '../lib/start-error.ts';
import { ServerBoard } from '../upstream/server-board.ts';
import { serversOf } from '../upstream/server-states.ts';
import type { Resolver } from '../watch/resolver.ts';
import type { Addresses } from './addresses.ts';
import { adminView } from './admin-view.ts';
import { ControlPlane } from './control-plane.ts';
import { assertFixedSettings } from './fixed-settings.ts';
import { assertNodeVersion } from './node-version.ts';
import type { Servers } from './servers.ts';

export interface GatewayOptions<Kind extends Servers> {
  readonly log: Log;
  readonly clock?: Clock | undefined;
  /** Absolute name of the configuration file, if there is one. */
  readonly file?: string | undefined;
  /** See `ControlPlaneOptions.readOnly`. */
  readonly readOnly?: boolean | undefined;
  /** See `ControlPlaneOptions.resolver`. */
  readonly resolver?: Resolver | undefined;
  /** Addresses with TLS are served although Node.js has known holes in it. */
  readonly acceptVulnerableNode?: boolean | undefined;
  /** Makes the servers. They may use the rest of the gateway once they are open. */
  readonly servers: (parts: GatewayParts) => Kind;
}

/** The parts of a gateway that its servers use. */
export interface GatewayParts {
  readonly control: ControlPlane;
  /** Logs the states of upstream servers that the servers report. */
  readonly board: ServerBoard;
}

/** A gateway: servers, the control plane beside them, and the configuration of both. */
export class Gateway<Kind extends Servers = Servers> {
  readonly control: ControlPlane;
  readonly servers: Kind;
  readonly view: AdminView;
  /** How reloads ended. */
  readonly record: ReloadRecord;
  readonly #options: GatewayOptions<Kind>;
  readonly #board: ServerBoard;
  readonly #changes = new Mutex();
  #serving = false;
  /** The entry of `record` about certificates that could not be renewed. */
  #refusedRenewal: ConfigurationView['lastReload'];
  #closing: Promise<number> | undefined;

  /** Opens nothing; `start` does. */
  constructor(config: Config, options: GatewayOptions<Kind>) {
    const { log, clock = systemClock, file, readOnly, resolver, servers } = options;
    this.#options = options;
    this.record = new ReloadRecord(file, systemClock);
    this.control = new ControlPlane(config, {
      clock,
      log,
      verifiers: () => this.servers,
      onFacts: () => this.#keepServers(),
      readOnly,
      resolver,
    });
    this.#board = new ServerBoard(log, systemClock);
    this.servers = servers({ control: this.control, board: this.#board });
    this.view = adminView({
      config: () => this.config,
      configuration: () => this.record.view,
      control: this.control,
      addresses: () => this.servers.addresses,
      draining: () => this.#closing !== undefined,
      notServing: () =>
        this.#serving
          ? this.servers.notServing()
          : [{ what: 'listener', why: 'not every address is bound yet' }],
      gather: () => this.servers.figures(),
      log,
    });
  }

  /** In force. */
  get config(): Config {
    return this.servers.config;
  }

  get addresses(): Addresses {
    return { listen: this.servers.addresses, ...this.control.addresses };
  }

  /** Resolves when every address is bound and served. @throws StartError */
  async start(): Promise<void> {
    try {
      this.#assertNodeVersion(this.config);
      await this.servers.open();
      // Before the addresses of traffic: a second gateway with the same configuration finds the admin address taken.
      await this.control.start(this.view);
      await this.servers.listen();
      this.#serving = true;
      await this.#logAddresses([]);
    } catch (error) {
      await this.close({ graceMs: 0 });
      throw error;
    }
  }

  /**
   * Puts another configuration in force for every request that begins from then on. Requests under way end as they
   * began, and no connection is closed. Rejects with a StartError, and leaves everything as it was, when a part of the
   * configuration is not available or cannot change while the gateway runs.
   */
  reload(config: Config): Promise<void> {
    return this.alone(() => this.#replace(withSecretOf(this.config, config)));
  }

  /**
   * Puts certificates in force that were read again; see `reload`. What could not be renewed counts as a reload that was
   * refused.
   * @param read gets the addresses in force.
   */
  renew(read: (listen: readonly TrafficAddress[]) => Promise<Renewal>): Promise<Renewal> {
    return this.alone(async () => {
      const renewal = await read(this.config.listen);
      const { listen, renewed, faults } = renewal;
      if (renewed.length > 0) await this.#replace(freeze({ ...this.config, listen }));
      const { lastReload } = this.record.view;
      if (faults.length > 0) {
        this.record.refused(faults);
        this.#refusedRenewal = this.record.view.lastReload;
      } else if (lastReload !== undefined && lastReload === this.#refusedRenewal) {
        // Files that hold again what is in force end the fault.
        this.record.taken();
      }
      return renewal;
    });
  }

  /** Runs `work` when no reload is under way, and no reload while it runs. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#changes.run(work);
  }

  /**
   * Refuses new connections, lets exchanges in flight end within `graceMs`, then cuts the others.
   * @returns how many exchanges were cut.
   */
  close({ graceMs }: { readonly graceMs: number }): Promise<number> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #replace(config: Config): Promise<void> {
    try {
      await this.#putInForce(config);
    } catch (error) {
      this.record.refused([failureText(error)]);
      throw error;
    }
    this.record.taken();
  }

  async #putInForce(config: Config): Promise<void> {
    if (this.#closing !== undefined || !this.#serving) throw new StartError('the gateway does not run');
    assertFixedSettings(this.config, config);
    this.#assertNodeVersion(config);
    const known = this.servers.addresses;
    const change = await this.servers.plan(config);
    const sets = await this.control.keySets.prepare(config.issuers);
    let taken: Promise<void>;
    try {
      await change.prepare();
      taken = change.commit(keysOf(sets));
    } catch (error) {
      change.abandon();
      this.control.keySets.abandon(sets);
      throw error;
    }
    this.control.commit(config, sets);
    this.#keepServers();
    await taken;
    await this.#logAddresses(known);
  }

  /** Nothing is logged about servers that are neither configured nor found. */
  #keepServers(): void {
    this.#board.keep(serversOf(this.config, this.control.upstreams.current));
  }

  /** Logs what serves each address, and why. @param known those that the log has already. */
  async #logAddresses(known: readonly string[]): Promise<void> {
    if (this.servers.addresses.every((address) => known.includes(address))) return;
    const { engines } = await this.servers.figures();
    for (const { address, engine, reason } of engines) {
      if (known.includes(address)) continue;
      this.#options.log.info({ address, engine, reason }, 'listening for traffic');
    }
  }

  /** @throws StartError */
  #assertNodeVersion(config: Config): void {
    const { acceptVulnerableNode = false, log } = this.#options;
    assertNodeVersion(config, acceptVulnerableNode, log);
  }

  async #close(graceMs: number): Promise<number> {
    const cut = await this.servers.close(graceMs);
    this.#board.close();
    await this.control.close();
    await this.servers.dispose();
    return cut;
  }
}

/** The secret under which rate limits hash their keys stays, so that a reload forgets no count. */
function withSecretOf({ rateSecret }: Config, next: Config): Config {
  if (rateSecret === undefined || next.rateSecret === undefined) return next;
  return freeze({ ...next, rateSecret });
}
