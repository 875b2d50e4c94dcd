import { SoakClient } from './client.ts';
import type { Connection } from './connection.ts';
import { type Descriptors, descriptorsOf, growth, mostOf } from './descriptors.ts';
import { type Disturbance, Disturbances, type World } from './disturbances.ts';
import type { Excuses } from './excuses.ts';
import { H2Client } from './h2-client.ts';
import { H2Sessions } from './h2-sessions.ts';
import { hangReportOf } from './hang-report.ts';
import { Judgement } from './judgement.ts';
import { readMemory } from './memory-reading.ts';
import { calmOf, Deck, warmingUp } from './phases.ts';
import type { SoakRequest } from './request.ts';
import { anyRequest } from './traffic.ts';
import { TunnelClient } from './tunnel-client.ts';
import { TunnelTally } from './tunnel-tally.ts';
import type { Baseline } from './verdict.ts';
import { Watch } from './watch.ts';

/** Clients that share a session of HTTP/2; over TLS every other client uses HTTP/2. */
const SHARING = 4;
/** Longest pause of a client between two requests in milliseconds: some hundred requests a second in all. */
const REST_MS = 180;
/** Milliseconds between two disturbances. */
const DISTURB_MS = 2_000;
/** Milliseconds between two readings of memory: each makes every process collect its garbage, which takes some 20 ms. */
const SAMPLE_MS = 1_000;
/** Milliseconds between two looks at descriptors. */
const LOOK_MS = 500;
const PROGRESS_SECONDS = 10;
/** Milliseconds for idle connections to upstream (3 s) and replaced workers (10 s) to end, and for Node's own. */
const QUIET_MS = 30_000;
/** Milliseconds without any change that make a moment quiet: longer than upstream connections idle. */
const STILL_MS = 5_000;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the run makes and watches. */
interface SoakedWorld extends World {
  readonly connections: Set<Connection>;
  /** See `hangReportOf`. */
  readonly wantsSnapshot: boolean;
}

interface Client {
  /** Resolves at the end of the exchange. */
  send(request: SoakRequest): Promise<void>;
  /** Leaves its connection. */
  close(): void;
}

/** The run: clients, disturbances and samples concurrently, and the quiet moments before and after. */
export class Soak {
  readonly watch = new Watch();
  readonly disturbances: Disturbances;
  readonly #world: SoakedWorld;
  readonly #say: (line: string) => void;
  readonly tally = new TunnelTally();
  readonly #tunnels: readonly TunnelClient[];
  readonly #clients: readonly (readonly [Client, World['chance']])[];
  #beganAt = performance.now();
  #over = false;

  /** @param clients their number. @param tunnels WebSockets beside them. */
  constructor(
    { clients, tunnels }: { readonly clients: number; readonly tunnels: number },
    world: SoakedWorld,
    excuses: Excuses,
    say: (line: string) => void,
  ) {
    this.#world = world;
    this.#say = say;
    this.disturbances = new Disturbances(world);
    const { gateway, upstreams, ledger, connections, chance } = world;
    const { port, certificates } = gateway;
    const reportHang = hangReportOf(gateway, upstreams, world.wantsSnapshot);
    const judgement = new Judgement(ledger, excuses);
    const options = { port, connections, certificates, reportHang, judgement };
    let sessions: H2Sessions | undefined;
    this.#clients = Array.from({ length: clients }, (_, number) => {
      const own = { number, chance: chance.fork() };
      if (certificates === undefined || number % 2 === 0) {
        return [new SoakClient({ ...options, ...own }), chance.fork()];
      }
      // These clients have the odd numbers.
      if (number % (2 * SHARING) === 1) sessions = undefined;
      sessions ??= new H2Sessions({ ...options, name: `session of client ${number}` });
      return [new H2Client({ ...options, ...own, sessions }), chance.fork()];
    });
    const { tally } = this;
    const shared = { ...options, tunnels, tally, ledger, tokens: world.stock.tokens };
    this.#tunnels = Array.from(
      { length: tunnels },
      (_, number) => new TunnelClient({ ...shared, number, chance: chance.fork() }),
    );
  }

  /** Everything is used once, so that whatever stays open afterwards belongs there. */
  async warmUp(): Promise<Baseline> {
    await this.#traffic(async () => {
      for (const what of warmingUp) {
        await this.disturbances.cause(what);
        await rest(DISTURB_MS);
      }
    });
    const { pid } = this.#world.gateway;
    const open = await this.quiet();
    const listeners = [...open].flatMap(([one, descriptors]) => (one === pid ? [] : [descriptors]));
    return { supervisor: open.get(pid) ?? descriptorsOf(pid), listener: mostOf(listeners) };
  }

  async run(seconds: number): Promise<void> {
    this.#beganAt = performance.now();
    const calm = calmOf(seconds);
    const deck = new Deck(this.#world.chance.fork());
    await this.#traffic(async () => {
      while (this.#elapsed() < seconds) {
        await rest(DISTURB_MS);
        // Earlier exchanges must have ended by then.
        const isCalm = this.#elapsed() > calm.from - 10 && this.#elapsed() < calm.to;
        if (isCalm) this.disturbances.spared ??= (await this.#world.gateway.serving())[0]?.pid;
        await this.#cause(deck.next(isCalm));
      }
    }, true);
  }

  /** Resolves when no process opens or closes anything any more. @returns what each has open then, by its PID. */
  async quiet(): Promise<ReadonlyMap<number, Descriptors>> {
    const { gateway } = this.#world;
    const deadline = performance.now() + QUIET_MS;
    let since = performance.now();
    let before = new Map<number, Descriptors>();
    while (performance.now() < deadline && performance.now() - since < STILL_MS) {
      const { listeners } = await gateway.admin.status();
      // By then the connection of that question has ended.
      await rest(LOOK_MS);
      const now = new Map(
        [gateway.pid, ...listeners.map(({ pid }) => pid)].map((pid) => [pid, descriptorsOf(pid)]),
      );
      const isSame =
        now.size === before.size &&
        [...now].every(([pid, one]) => {
          const was = before.get(pid);
          return was !== undefined && growth(was, one).length === 0 && growth(one, was).length === 0;
        });
      if (!isSame) since = performance.now();
      before = now;
    }
    return before;
  }

  async #cause(what: Disturbance): Promise<void> {
    try {
      await this.disturbances.cause(what);
    } catch (error) {
      throw new Error(`${what} at second ${this.#elapsed().toFixed(1)} failed`, { cause: error });
    }
  }

  /** Clients at work as long as something else is. */
  async #traffic(meanwhile: () => Promise<void>, samples = false): Promise<void> {
    this.#over = false;
    const working = meanwhile().finally(() => {
      this.#over = true;
      for (const tunnel of this.#tunnels) tunnel.stop();
    });
    const sampling = samples ? this.#sample() : undefined;
    await Promise.all([
      working,
      sampling,
      ...this.#clients.map(([client, chance]) => this.#live(client, chance)),
      ...this.#tunnels.map((tunnel) => tunnel.live()),
    ]);
  }

  async #live(client: Client, chance: World['chance']): Promise<void> {
    while (!this.#over) {
      await client.send(anyRequest(this.#world.stock, chance));
      await rest(chance.below(REST_MS));
    }
    client.close();
  }

  async #sample(): Promise<void> {
    const { gateway, ledger } = this.#world;
    let told = 0;
    while (!this.#over) {
      const pids = (await gateway.serving()).map(({ pid }) => pid);
      const all = [gateway.pid, ...pids];
      const read = async (pid: number): Promise<void> => {
        const reading = await readMemory(gateway.folder, pid);
        if (reading !== undefined) this.watch.note(pid, { at: this.#elapsed(), ...reading });
      };
      await Promise.all(all.map(read));
      if (this.#elapsed() >= told + PROGRESS_SECONDS) {
        told += PROGRESS_SECONDS;
        const mib = all.map((pid) => this.watch.samples.get(pid)?.at(-1)?.live.toFixed(0));
        this.#say(
          `${told.toFixed(0).padStart(5)} s  ${ledger.total} requests, ${this.tally.open} tunnels, ${ledger.unexplainedCount} unexplained, live MiB ${mib.join(' ')}`,
        );
      }
      await rest(SAMPLE_MS);
    }
  }

  #elapsed(): number {
    return (performance.now() - this.#beganAt) / 1000;
  }
}
