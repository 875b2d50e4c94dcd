import { ReloadRecord } from '../admin/reload-record.ts';
import type { AdminView } from '../admin/view.ts';
import { AuthCounters } from '../auth/auth-counters.ts';
import { Authorizer } from '../auth/authorizer.ts';
import type { Config, TrafficAddress } from '../config/config.ts';
import { adminView } from '../gateway/admin-view.ts';
import { ControlPlane } from '../gateway/control-plane.ts';
import { assertFixedSettings } from '../gateway/fixed-settings.ts';
import type { Addresses } from '../gateway/gateway.ts';
import { addressText } from '../http/host-port.ts';
import { keysOf } from '../keysets/key-sets.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { Turn } from '../lib/turn.ts';
import { ServerBoard } from '../upstream/server-board.ts';
import { serversOf } from '../upstream/server-state.ts';
import { claimAddresses } from './address-claim.ts';
import { unitsOf } from './leases.ts';
import type { KeysByIssuer } from './messages.ts';
import { processEnvironment } from './process-environment.ts';
import { workerConfig } from './worker-config.ts';
import { Workers } from './workers.ts';

export interface SupervisorOptions {
  readonly log: Log;
  /** Absolute name of the configuration file. */
  readonly file: string;
  /** The command that this process was started with, which starts listeners too. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Another gateway may serve the same addresses. */
  readonly sharePort: boolean;
  /** Whether somebody ends this process when it is not well; see `isWell`. */
  readonly watched: boolean;
  /** The listener processes cannot be kept alive; nothing is left to do but to close. */
  readonly onHopeless: (why: string) => void;
}

/**
 * The process that owns everything but the traffic: configuration, key sets, revocations, admin address, and the
 * listener processes, which it tells what to serve.
 */
export class Supervisor {
  /** How reloads ended; the caller of `reload` fills it in. */
  readonly record: ReloadRecord;
  readonly #control: ControlPlane;
  readonly #workers: Workers;
  readonly #board: ServerBoard;
  readonly #view: AdminView;
  readonly #sharePort: boolean;
  #config: Config;
  /** Where the listeners listen, by what the configuration asks for. */
  #claimed: ReadonlyMap<string, TrafficAddress> = new Map();
  /** What each listener serves, by index; the same object until another configuration is in force. */
  #shares: readonly Config[] = [];
  /** Judges what only this process is told: new keys, and what FusionAuth has signed. */
  #judge: Authorizer;
  #serving = false;
  #reloading: Promise<void> = Promise.resolve();
  #rolling: Promise<void> = Promise.resolve();
  #closing: Promise<number> | undefined;

  constructor(config: Config, options: SupervisorOptions) {
    const { log, file, program, env, sharePort, watched, onHopeless } = options;
    this.record = new ReloadRecord(file, systemClock);
    this.#config = config;
    this.#sharePort = sharePort;
    this.#judge = judgeOf(config);
    this.#control = new ControlPlane(config, {
      clock: systemClock,
      log,
      judges: {
        setKeys: (issuer, keys) => {
          this.#judge.setKeys(issuer, keys);
          this.#workers.setKeys(issuer, keys);
        },
        signedClaims: (token, issuer, key) => this.#judge.signedClaims(token, issuer, key),
        distribute: (revocations) => this.#workers.revoke(revocations),
        distributeDrop: () => this.#workers.dropForeign(),
      },
    });
    this.#board = new ServerBoard(log, systemClock);
    this.#workers = new Workers({
      program,
      env: processEnvironment(env),
      count: config.listeners,
      clock: systemClock,
      log,
      configOf: (index) => this.#shares[index] as Config,
      limits: () => unitsOf(this.#config),
      board: this.#board,
      keys: () => this.#control.keySets.keys(),
      revocations: () => this.#control.revocation?.list.all() ?? [],
      refetch: (issuer) => this.#control.keySets.refetch(issuer),
      watched,
      onHopeless,
    });
    this.#view = adminView({
      config: () => this.#config,
      configuration: () => this.record.view,
      control: this.#control,
      addresses: () => this.#listening(),
      draining: () => this.#closing !== undefined,
      notServing: () => {
        if (!this.#serving) return [{ what: 'listener', why: 'not every address is bound yet' }];
        return this.#workers.serving.length > 0
          ? []
          : [{ what: 'listener', why: 'no listener process serves' }];
      },
      gather: () => this.#workers.gather(),
      log,
    });
  }

  get addresses(): Addresses {
    return { listen: this.#listening(), ...this.#control.addresses };
  }

  /** In force. */
  get config(): Config {
    return this.#config;
  }

  /** Whether any listener answers. */
  get isWell(): boolean {
    return this.#workers.isWell;
  }

  get view(): AdminView {
    return this.#view;
  }

  /** Resolves when every listener serves. @throws StartError */
  async start(): Promise<void> {
    try {
      // First, because a second gateway with the same configuration finds the admin address taken.
      await this.#control.start(this.#view);
      this.#claimed = await this.#claim(this.#config.listen);
      this.#shares = this.#sharesOf(this.#config, this.#claimed);
      await this.#workers.start();
      this.#serving = true;
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** See `Gateway.reload`; one after another. */
  reload(config: Config): Promise<void> {
    return this.#inTurn(() => this.#replace(config));
  }

  /** Replaces every listener process, without losing a request. */
  roll(): Promise<void> {
    // Those of the last time go first, so that there are never more than twice as many as wanted. That may take all of
    // their grace, which no reload waits for.
    const done = this.#rolling
      .then(() => this.#workers.drained())
      .then(() => this.#inTurn(() => this.#workers.roll(this.#config.shutdown.graceMs)));
    this.#rolling = done.catch(() => {}); // The caller is told; the next one starts all the same.
    return done;
  }

  /** See `Gateway.close`. */
  close(graceMs: number): Promise<number> {
    this.#closing ??= this.#shutDown(graceMs);
    return this.#closing;
  }

  /** Ends every listener process at once. */
  kill(): void {
    this.#workers.kill();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#reloading.then(work);
    this.#reloading = done.catch(() => {}); // As above.
    return done;
  }

  async #replace(config: Config): Promise<void> {
    if (this.#closing !== undefined || !this.#serving) throw new StartError('the gateway does not run');
    assertFixedSettings(this.#config, config);
    const claimed = await this.#claim(config.listen);
    const shares = this.#sharesOf(config, claimed);
    const judge = judgeOf(config);
    const sets = await this.#control.keySets.prepare(config.issuers);
    try {
      await this.#workers.change(
        (index) => shares[index] as Config,
        () => {
          const keys = keysOf(sets);
          setAll(judge, keys);
          this.#judge = judge;
          this.#config = config;
          this.#claimed = claimed;
          this.#shares = shares;
          this.#control.follow(config.issuers, sets);
          this.#board.keep(serversOf(config));
          return keys;
        },
      );
    } catch (error) {
      this.#control.keySets.abandon(sets);
      throw error;
    }
  }

  /** Those that are claimed stay as they are. @throws StartError */
  async #claim(addresses: readonly TrafficAddress[]): Promise<ReadonlyMap<string, TrafficAddress>> {
    const fresh = addresses.filter((address) => !this.#claimed.has(addressText(address)));
    const claimed = await claimAddresses(fresh, { share: this.#sharePort });
    return new Map(
      addresses.map((address) => {
        const text = addressText(address);
        return [text, this.#claimed.get(text) ?? (claimed[fresh.indexOf(address)] as TrafficAddress)];
      }),
    );
  }

  #sharesOf(config: Config, claimed: ReadonlyMap<string, TrafficAddress>): readonly Config[] {
    const { listeners } = this.#config;
    const addresses = config.listen.map((address) => claimed.get(addressText(address)) as TrafficAddress);
    const share = workerConfig(config, listeners);
    const owners = ownersOf(addresses, this.#shares, listeners);
    return Array.from({ length: listeners }, (_, index) => ({
      ...share,
      listen: addresses.filter((address) => (owners.get(address) ?? index) === index),
    }));
  }

  #listening(): readonly string[] {
    if (!this.#serving) return [];
    return this.#config.listen.map((address) =>
      addressText(this.#claimed.get(addressText(address)) as TrafficAddress),
    );
  }

  async #shutDown(graceMs: number): Promise<number> {
    const cut = await this.#workers.close(graceMs);
    this.#board.close();
    await this.#control.close();
    await this.#judge.close();
    return cut;
  }
}

/**
 * Which listener a unix socket belongs to: the kernel spreads the connections of a port, but not those of a socket. It
 * stays where it is, because a listener that takes a path over takes it from the one before.
 */
function ownersOf(
  addresses: readonly TrafficAddress[],
  shares: readonly Config[],
  listeners: number,
): ReadonlyMap<TrafficAddress, number> {
  const owners = new Map<TrafficAddress, number>();
  const loads = new Array<number>(listeners).fill(0);
  const own = (address: TrafficAddress, index: number): void => {
    owners.set(address, index);
    loads[index] = (loads[index] as number) + 1;
  };
  const sockets = addresses.filter((address) => 'path' in address);
  const before = (address: TrafficAddress): number =>
    shares.findIndex(({ listen }) => listen.some((known) => addressText(known) === addressText(address)));
  for (const socket of sockets) if (before(socket) >= 0) own(socket, before(socket));
  for (const socket of sockets) if (!owners.has(socket)) own(socket, loads.indexOf(Math.min(...loads)));
  return owners;
}

/** One that serves no request. */
function judgeOf(config: Config): Authorizer {
  return new Authorizer({
    issuers: config.issuers,
    cache: { entries: 1, bytes: 1024 },
    verifiers: 0,
    haproxyOrder: false,
    clock: systemClock,
    turn: new Turn(),
    counters: new AuthCounters(),
  });
}

/** Throws when one of them cannot be used. */
function setAll(judge: Authorizer, keys: KeysByIssuer): void {
  for (const [issuer, set] of keys) if (set.length > 0) judge.setKeys(issuer, set);
}
