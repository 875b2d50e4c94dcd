import type { Chance } from './chance.ts';
import { WORKERS } from './config.ts';
import type { Connection } from './connection.ts';
import type { SoakGateway } from './gateway.ts';
import type { SoakIssuer } from './issuer.ts';
import type { Ledger } from './ledger.ts';
import type { Stock } from './plain.ts';
import type { SoakUpstream } from './upstream.ts';
import { killWorker } from './victim.ts';
import type { Windows } from './windows.ts';

export interface World {
  readonly gateway: SoakGateway;
  readonly issuer: SoakIssuer;
  readonly upstreams: readonly SoakUpstream[];
  readonly stock: Stock;
  readonly ledger: Ledger;
  readonly windows: Windows;
  readonly connections: ReadonlySet<Connection>;
  readonly chance: Chance;
}

export type Disturbance =
  | 'reload'
  | 'bad reload'
  | 'renewal'
  | 'bad renewal'
  | 'rotation by reload'
  | 'rotation by request'
  | 'revocation'
  | 'issuer outage'
  | 'upstream restart'
  | 'listener kill'
  | 'roll'
  | 'roll and reload';

const RELOADED = 'the configuration was reloaded';
const NOT_RELOADED = 'the configuration was not reloaded: it has faults';
/** Shortest absence of an upstream in milliseconds: the gateway, too, has noticed the end of its connections by then. */
const GONE_MS = 100;
/** Milliseconds of an issuer's absence: the gateway asks it, because tokens name unknown keys. */
const OUTAGE_MS = 4_000;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The events in a gateway's life, one at a time, and their number. */
export class Disturbances {
  readonly counts = new Map<Disturbance, number>();
  /** Connections that ended with a worker. */
  doomed = 0;
  /** The worker that must not be killed. */
  spared: number | undefined;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async cause(what: Disturbance): Promise<void> {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    await this.#causes[what]();
  }

  readonly #causes: Readonly<Record<Disturbance, () => Promise<void>>> = {
    reload: () => this.#reload(),
    'bad reload': () => this.#badReload(),
    renewal: () => this.#renew(),
    'bad renewal': () => this.#renewBadly(),
    'rotation by reload': () => this.#rotate(true),
    'rotation by request': () => this.#rotate(false),
    revocation: () => this.#revoke(),
    'issuer outage': () => this.#outage(),
    'upstream restart': () => this.#restartUpstream(),
    'listener kill': () => this.#kill(),
    roll: () => this.#roll(),
    'roll and reload': () => this.#rollAndReload(),
  };

  async #reload(): Promise<void> {
    const { gateway, stock } = this.#world;
    const next = stock.version.latest + 1;
    gateway.configure(next);
    stock.version.begin(next);
    await gateway.told('SIGHUP', RELOADED);
    stock.version.settle();
  }

  async #badReload(): Promise<void> {
    const { gateway, stock } = this.#world;
    gateway.configureBadly(stock.version.latest + 1);
    await gateway.told('SIGHUP', NOT_RELOADED);
    gateway.configure(stock.version.latest);
  }

  async #renew(): Promise<void> {
    const { gateway } = this.#world;
    gateway.certificates?.renew();
    await gateway.told('SIGHUP', RELOADED);
    gateway.certificates?.inForce.settle();
  }

  async #renewBadly(): Promise<void> {
    const { gateway } = this.#world;
    gateway.certificates?.spoil();
    await gateway.told('SIGHUP', NOT_RELOADED);
    gateway.certificates?.restore();
  }

  /** @param reloads whether the gateway is reloaded; otherwise tokens with an unknown key make it ask. */
  async #rotate(reloads: boolean): Promise<void> {
    const { issuer, stock, chance } = this.#world;
    await issuer.announce();
    await this.#learn(reloads);
    stock.tokens.layAside(chance);
    issuer.adopt();
    const hasLeft = issuer.retire();
    await this.#learn(reloads);
    hasLeft();
  }

  /** Until every worker has the issuer's present keys. */
  async #learn(reloads: boolean): Promise<void> {
    const { gateway, issuer } = this.#world;
    if (reloads) await gateway.told('SIGHUP', RELOADED);
    const wanted = `${[...issuer.kids].sort()}`;
    await gateway.until(({ keySets }) => `${[...(keySets[0]?.kids ?? [])].sort()}` === wanted);
    // Workers receive changes in order, so a worker that replies to this one has them.
    await gateway.admin.status();
  }

  async #revoke(): Promise<void> {
    const { gateway, stock, chance } = this.#world;
    const token = stock.tokens.revoke(chance);
    await gateway.admin.revoke(token.jti);
    token.revoked.settle();
  }

  async #outage(): Promise<void> {
    const { issuer } = this.#world;
    issuer.fail();
    await rest(OUTAGE_MS);
    issuer.comeBack();
  }

  async #restartUpstream(): Promise<void> {
    const { upstreams, windows, chance } = this.#world;
    const upstream = chance.of(upstreams);
    const close = windows.open(`upstream ${upstream.name} down`);
    await upstream.goDown();
    await rest(GONE_MS + chance.below(900));
    await upstream.comeBack();
    close();
  }

  async #kill(): Promise<void> {
    const { gateway, ledger, connections } = this.#world;
    const victims = (await gateway.serving()).filter(({ pid }) => pid !== this.spared);
    const victim = victims.at(-1);
    if (victim === undefined) throw new Error('no listener serves that may be killed');
    const over = ledger.lose();
    await gateway.admin.metrics();
    this.doomed += killWorker(victim.pid, gateway.port, connections);
    over();
    await gateway.settled(victim.pid);
  }

  async #roll(): Promise<void> {
    const { gateway, windows } = this.#world;
    const before = new Set((await gateway.serving()).map(({ pid }) => pid));
    const close = windows.open('roll');
    await gateway.told('SIGUSR2', 'every listener was replaced');
    close();
    const after = await gateway.serving();
    if (after.length !== WORKERS || after.some(({ pid }) => before.has(pid))) {
      throw new Error('not every listener was replaced');
    }
  }

  async #rollAndReload(): Promise<void> {
    await Promise.all([this.#roll(), this.#reload()]);
  }
}
