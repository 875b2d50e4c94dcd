import type { GatewayFigures } from '../admin/figures.ts';
import type { NotReady } from '../admin/view.ts';
import { AuthCounters } from '../auth/auth-counters.ts';
import { Authorizer } from '../auth/authorizer.ts';
import type { Config, TrafficAddress } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { GatewayParts } from '../gateway/gateway.ts';
import type { Change, FetchedKeys, Servers } from '../gateway/servers.ts';
import { TicketKeys } from '../gateway/ticket-keys.ts';
import { addressText } from '../http/host-port.ts';
import type { VerificationKey } from '../keys/key.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { Turn } from '../lib/turn.ts';
import { RateLimits } from '../limits/rate-limits.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import { claimAddresses } from './address-claim.ts';
import { unitsOf } from './leases.ts';
import { WorkerChange } from './worker-change.ts';
import { workerConfigs } from './worker-config.ts';
import { WorkerSet } from './worker-set.ts';
import { WorkerWatch } from './worker-watch.ts';

export interface WorkersOptions extends GatewayParts {
  readonly log: Log;
  /** The command that this process was started with, which starts workers too. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Another gateway may serve the same addresses. */
  readonly sharePort: boolean;
  /** Whether a watchdog ends this process when no worker responds. */
  readonly watched: boolean;
  /** No worker lives long enough to serve. */
  readonly onGiveUp: (why: string) => void;
}

/** The parts that belong to one configuration of the workers. */
interface Setting {
  readonly config: Config;
  /** The addresses that the workers bind, by those of the configuration. */
  readonly claimed: ReadonlyMap<string, TrafficAddress>;
  /** The configuration of each worker, by index; the same objects until another configuration is in force. */
  readonly workerConfigs: readonly Config[];
  /** Checks the data that only this process gets: new keys, and webhooks signed by FusionAuth. */
  readonly authorizer: Authorizer;
}

/** Worker processes, which serve as this process tells them. */
export class Workers implements Servers {
  readonly #set: WorkerSet;
  readonly #watch: WorkerWatch;
  readonly #sharePort: boolean;
  readonly #ticketKeys = new TicketKeys((ticketKeys) => {
    for (const { channel } of this.#set.living) channel.send({ kind: 'ticket-keys', ticketKeys });
  });
  readonly #rates = new RateLimits({ clock: systemClock, processes: 1 });
  #setting: Setting;
  #listening = false;

  constructor(config: Config, options: WorkersOptions) {
    const { log, program, env, control, board, sharePort, watched, onGiveUp } = options;
    this.#sharePort = sharePort;
    this.#setting = { config, claimed: new Map(), workerConfigs: [], authorizer: authorizerOf(config) };
    this.#followRates();
    this.#set = new WorkerSet({
      program,
      env,
      clock: systemClock,
      log,
      configOf: (index) => this.#setting.workerConfigs[index] as Config,
      limits: () => unitsOf(this.config),
      board,
      rates: this.#rates,
      keys: () => control.keySets.keys(),
      ticketKeys: () => this.#ticketKeys.current,
      staples: () => control.staples.current,
      facts: () => control.upstreams.current,
      revocations: () => control.revocation?.list.all() ?? [],
      refetch: (issuer) => control.keySets.refetch(issuer),
      onGiveUp,
    });
    this.#watch = new WorkerWatch(this.#set, log, watched);
  }

  get config(): Config {
    return this.#setting.config;
  }

  get addresses(): readonly string[] {
    if (!this.#listening) return [];
    const { config, claimed } = this.#setting;
    return config.listen.map((address) => addressText(claimed.get(addressText(address)) as TrafficAddress));
  }

  /** Whether any worker responds. */
  get isWell(): boolean {
    return this.#set.isWell;
  }

  notServing(): readonly NotReady[] {
    return this.#set.serving.length > 0 ? [] : [{ what: 'listener', why: 'no listener process serves' }];
  }

  /** Each worker gets ready by itself. */
  async open(): Promise<void> {}

  async listen(): Promise<void> {
    const { config, authorizer } = this.#setting;
    this.#setting = await this.#settingOf(config, authorizer);
    this.#watch.start();
    await this.#set.start(config.listeners);
    this.#listening = true;
  }

  async plan(config: Config): Promise<Change> {
    const setting = await this.#settingOf(config, authorizerOf(config));
    const change = new WorkerChange(this.#set, (index) => setting.workerConfigs[index] as Config);
    return {
      prepare: () => change.prepare(),
      commit: (keys: FetchedKeys) =>
        change.commit(keys, () => {
          for (const [issuer, set] of keys) if (set.length > 0) setting.authorizer.setKeys(issuer, set);
          this.#setting = setting;
          this.#followRates();
        }),
      abandon: () => change.abandon(),
    };
  }

  setKeys(issuer: string, keys: readonly VerificationKey[]): void {
    const { authorizer, workerConfigs } = this.#setting;
    authorizer.setKeys(issuer, keys);
    for (const { channel, config, index } of this.#set.living) {
      // A worker with an older configuration may not know the issuer; it gets these keys when it catches up.
      if (config === workerConfigs[index]) channel.send({ kind: 'keys', issuer, keys });
    }
  }

  setStaple(certificate: string, staple: Staple | undefined): void {
    for (const { channel } of this.#set.living) channel.send({ kind: 'staple', certificate, staple });
  }

  signedClaims(
    token: string,
    issuer: string,
    key: VerificationKey | undefined,
  ): Readonly<Record<string, unknown>> | undefined {
    return this.#setting.authorizer.signedClaims(token, issuer, key);
  }

  /** A worker that does not respond is killed by the watch. */
  async setFacts(upstream: string, facts: readonly ServerFact[]): Promise<void> {
    const asked = this.#set.living.map(({ channel }) => channel.ask({ kind: 'facts', upstream, facts }));
    await Promise.allSettled(asked); // A worker that ended chooses no server.
  }

  /** See `setFacts`. */
  async revoke(revocations: readonly Revocation[]): Promise<void> {
    if (revocations.length === 0) return;
    const asked = this.#set.living.map(({ channel }) => channel.ask({ kind: 'revoke', revocations }));
    await Promise.allSettled(asked); // A worker that ended verifies no token.
  }

  async dropForeign(): Promise<void> {
    await Promise.allSettled(this.#set.living.map(({ channel }) => channel.ask({ kind: 'drop-foreign' })));
  }

  async reopenLogs(): Promise<void> {
    await Promise.allSettled(this.#set.living.map(({ channel }) => channel.ask({ kind: 'reopen' })));
  }

  async figures(): Promise<GatewayFigures> {
    await Promise.all(this.#set.living.map((worker) => worker.gather()));
    const { living, totals, deaths } = this.#set;
    return {
      figures: totals.with(living.map(({ report }) => report?.figures)),
      workers: living.map(({ figures }) => figures),
      workerDeaths: deaths,
      // Workers that run the same program on one machine choose alike.
      engines: this.#set.serving.find(({ report }) => report !== undefined)?.report?.engines ?? [],
    };
  }

  /** Resolves when the workers that have been replaced have ended. */
  drained(): Promise<void> {
    return this.#set.drained();
  }

  /** Replaces every worker, without losing a request. */
  roll(): Promise<void> {
    return this.#set.roll(this.config.shutdown.graceMs);
  }

  close(graceMs: number): Promise<number> {
    this.#watch.stop();
    return this.#set.close(graceMs);
  }

  async dispose(): Promise<void> {
    this.#ticketKeys.close();
    await this.#setting.authorizer.close();
  }

  /** Ends every worker at once. */
  kill(): void {
    this.#set.kill();
  }

  #followRates(): void {
    this.#rates.follow(this.#rates.plan(this.config.rateLimits?.values() ?? []));
  }

  /** @throws StartError when an address of it is taken */
  async #settingOf(config: Config, authorizer: Authorizer): Promise<Setting> {
    const claimed = await this.#claim(config.listen);
    // The place stays as it was claimed; what the configuration says of it may have changed.
    const addresses = config.listen.map((address) => ({ ...address, ...claimed.get(addressText(address)) }));
    const { workerConfigs: before } = this.#setting;
    const configs = workerConfigs({ config, addresses, before, workers: this.config.listeners });
    return { config, claimed, workerConfigs: configs, authorizer };
  }

  /** Addresses that are claimed stay as they are. @throws StartError */
  async #claim(addresses: readonly TrafficAddress[]): Promise<ReadonlyMap<string, TrafficAddress>> {
    const { claimed: before } = this.#setting;
    const fresh = addresses.filter((address) => !before.has(addressText(address)));
    const claimed = await claimAddresses(fresh, { share: this.#sharePort });
    return new Map(
      addresses.map((address) => {
        const text = addressText(address);
        return [text, before.get(text) ?? placeOf(claimed[fresh.indexOf(address)] as TrafficAddress)];
      }),
    );
  }
}

/** The address alone, without its terms. */
function placeOf(address: TrafficAddress): TrafficAddress {
  return 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
}

/** An authorizer that serves no request. */
function authorizerOf(config: Config): Authorizer {
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
