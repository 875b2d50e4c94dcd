import type { Chance } from './chance.ts';
import type { SoakGateway } from './gateway.ts';
import type { Ledger } from './ledger.ts';
import type { Requests } from './requests.ts';
import type { SoakIssuer } from './tokens.ts';
import type { SoakUpstream } from './upstream.ts';

export interface World {
  readonly gateway: SoakGateway;
  readonly issuer: SoakIssuer;
  readonly upstream: SoakUpstream;
  readonly requests: Requests;
  readonly ledger: Ledger;
  readonly chance: Chance;
}

/** Milliseconds for requests under way with a token of a key that leaves to end. */
const KEY_REST_MS = 3_000;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What happens to a gateway in its life, one at a time, and how often each has happened. */
export class Disturbances {
  readonly counts: Record<string, number> = {};
  readonly #world: World;
  #version = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** One of them. @param calm spares the listener that has lived longest. */
  async next(calm: boolean): Promise<void> {
    const all: readonly (readonly [name: string, run: () => Promise<void>])[] = [
      ['reloads', () => this.#reload()],
      ['reloads', () => this.#reload()],
      ['bad reloads', () => this.#badReload()],
      ['key rotations', () => this.#rotate()],
      ['revocations', () => this.#revoke()],
      ['revocations', () => this.#revoke()],
      ['upstream restarts', () => this.#restartUpstream()],
      ['listener kills', () => this.#killListener()],
      ...(calm ? [] : [['rolls', () => this.#roll()] as const]),
    ];
    const [name, run] = this.#world.chance.of(all);
    await run();
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  async #reload(): Promise<void> {
    const { gateway } = this.#world;
    this.#version += 1;
    gateway.configure(this.#version);
    await gateway.told('SIGHUP', /"message":"the configuration was reloaded"/);
  }

  async #badReload(): Promise<void> {
    const { gateway } = this.#world;
    gateway.configure(Number.NaN); // No number of routes, and a tolerance of NaN seconds.
    await gateway.told('SIGHUP', /"message":"the configuration was not reloaded: it has faults/);
    gateway.configure(this.#version);
  }

  async #rotate(): Promise<void> {
    const { gateway, issuer, requests } = this.#world;
    const kid = issuer.announce();
    await gateway.told('SIGHUP', /"message":"the configuration was reloaded"/);
    await gateway.until(({ keySets }) => keySets.some(({ kids }) => kids.includes(kid)));
    issuer.adopt();
    requests.forgetRevoked();
    await rest(KEY_REST_MS);
    issuer.retire();
    await gateway.told('SIGHUP', /"message":"the configuration was reloaded"/);
    await gateway.until(({ keySets }) => keySets.every(({ kids }) => kids.length === 1));
  }

  async #revoke(): Promise<void> {
    const { gateway, issuer, requests } = this.#world;
    const { text, jti } = issuer.fresh();
    await gateway.revoke(jti);
    requests.revoked(text);
  }

  async #restartUpstream(): Promise<void> {
    const { upstream, ledger, chance } = this.#world;
    const over = ledger.disturb('upstream-down');
    await upstream.goDown();
    await rest(chance.below(500));
    await upstream.comeBack();
    over();
  }

  async #killListener(): Promise<void> {
    const { gateway, ledger } = this.#world;
    const { listeners } = await gateway.status();
    // The youngest, so that one lives long enough for its memory to be judged.
    const victim = listeners.filter(({ state }) => state === 'serving').at(-1);
    if (victim === undefined) throw new Error('no listener serves');
    const over = ledger.disturb('listener-killed');
    process.kill(victim.pid, 'SIGKILL');
    await gateway.until(
      (status) =>
        status.listeners.filter(({ state }) => state === 'serving').length === 2 &&
        status.listeners.every(({ pid }) => pid !== victim.pid),
    );
    over();
  }

  async #roll(): Promise<void> {
    const { gateway, ledger } = this.#world;
    const over = ledger.disturb('listeners-rolled');
    await gateway.told('SIGUSR2', /"message":"every listener was replaced"/);
    over();
  }
}
