import { isDeepStrictEqual } from 'node:util';
import { type HttpServer, startHttpServer } from './admin/http-server.ts';
import { type Admin, startAdmin } from './admin/server.ts';
import { AuthCounters } from './auth/auth-counters.ts';
import type { Config, ListenAddress } from './config/config.ts';
import { Control } from './control.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { gatewayView } from './gateway-view.ts';
import { Generation } from './generation.ts';
import { systemClock } from './lib/clock.ts';
import { hostPort } from './lib/host-port.ts';
import type { Log } from './lib/log.ts';
import { Roster } from './lib/roster.ts';
import { StartError } from './lib/start-error.ts';
import { ConnectionLimit } from './listener/connection-limit.ts';
import type { Downstream } from './listener/downstream.ts';
import { loadEngine } from './listener/engine.ts';
import { Listener } from './listener/listener.ts';
import { Tally } from './tally.ts';
import type { RequestHead } from './types.ts';
import { readBuffer } from './upstream/connection.ts';

/**
 * Milliseconds between the last exchange's end and the cut of all connections: what was handed to the kernel or
 * waits for its next writable moment still leaves.
 */
const LINGER_MS = 100;

export interface Addresses {
  /** `host:port` of each listening address, in the order of the configuration. */
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
   * when something of it is not to be had or cannot change while the gateway runs.
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
  private readonly inFlight = new Roster<Exchange>();
  private readonly deadlines = new Deadlines(this.inFlight, systemClock);
  private readonly connections: ConnectionLimit;
  private readonly tally = new Tally();
  private readonly authCounters = new AuthCounters();
  private readonly buffer = readBuffer();
  private readonly control: Control;
  private current: Generation;
  /** Those that still have exchanges, and the current one. */
  private readonly generations = new Set<Generation>();
  private reloading: Promise<void> = Promise.resolve();
  private listener: Listener | undefined;
  private admin: Admin | undefined;
  private webhooks: HttpServer | undefined;
  /** Bound addresses by the address that was asked for. */
  private listening = new Map<string, string>();
  private draining = false;
  private onIdle: (() => void) | undefined;
  private closing: Promise<number> | undefined;

  constructor(config: Config, log: Log) {
    this.log = log;
    this.connections = new ConnectionLimit(config.limits.connections, systemClock, log);
    this.control = new Control(config, {
      clock: systemClock,
      log,
      authorizer: () => this.current.service.authorizer,
    });
    this.current = this.generation(config);
  }

  get addresses(): Addresses {
    const { admin, webhooks } = this;
    return { listen: this.bound(), admin: admin?.address ?? '', webhooks: webhooks?.address };
  }

  async start(): Promise<void> {
    const { config, service } = this.current;
    try {
      const requestHeadBytes = config.limits.requestHead;
      const engine = loadEngine(requestHeadBytes);
      await service.authorizer.start();
      await this.control.keySets.start();
      await this.openRevocations();
      this.admin = await this.startAdmin();
      this.webhooks = await this.startWebhooks();
      this.listener = new Listener({
        engine,
        requestHeadBytes,
        connections: this.connections,
        serve: (head, downstream) => this.serve(head, downstream),
        onError: (error) => this.log.error({ error }, 'a request could not be read'),
      });
      this.deadlines.start();
      for (const address of config.listen) await this.listen(this.listener, address);
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

  private serve(head: RequestHead, downstream: Downstream): void {
    const generation = this.current;
    const exchange = new Exchange(generation.service, head, downstream);
    generation.begin();
    this.inFlight.add(exchange);
    try {
      exchange.start();
    } catch (error) {
      exchange.onInternalError(error);
    }
  }

  private generation(config: Config): Generation {
    const { control } = this;
    const generation = new Generation(
      config,
      {
        tally: this.tally,
        authCounters: this.authCounters,
        refetch: (issuer) => control.keySets.refetch(issuer),
        revocations: control.revocation?.list,
        log: this.log,
        clock: systemClock,
        readBuffer: this.buffer,
        draining: () => this.draining,
        onEnd: (exchange) => {
          this.inFlight.delete(exchange);
          if (this.inFlight.size === 0) this.onIdle?.();
        },
        onFault: (error) => this.log.error({ error }, 'a request could not be handled'),
      },
      (closed) => this.generations.delete(closed),
    );
    this.generations.add(generation);
    return generation;
  }

  private async replace(config: Config): Promise<void> {
    const { listener, control, current } = this;
    if (listener === undefined || this.closing !== undefined)
      throw new StartError('the gateway does not run');
    const fixed = fixedIn(current.config, config);
    if (fixed.length > 0) {
      throw new StartError(`${fixed.join(', ')} cannot change while the gateway runs; restart it`);
    }
    const sets = await control.keySets.prepare(config.issuers);
    const fresh = config.listen.filter(({ host, port }) => !this.listening.has(hostPort(host, port)));
    let next: Generation | undefined;
    try {
      next = this.generation(config);
      await next.service.authorizer.start();
      for (const address of fresh) await this.listen(listener, address);
      if (this.isClosing()) throw new StartError('the gateway is shutting down');
      for (const [issuer, { keys }] of sets) {
        if (keys.length > 0) next.service.authorizer.setKeys(issuer, keys);
      }
    } catch (error) {
      for (const address of fresh) this.unlisten(listener, address);
      control.keySets.abandon(sets);
      await next?.close();
      throw error;
    }
    // Nothing fails from here on, and nothing else happens in between.
    control.follow(config.issuers, sets);
    this.current = next;
    this.connections.limit = config.limits.connections;
    const wanted = new Set(config.listen.map(({ host, port }) => hostPort(host, port)));
    for (const address of current.config.listen) {
      if (!wanted.has(hostPort(address.host, address.port))) this.unlisten(listener, address);
    }
    current.retire();
  }

  private async listen(listener: Listener, { host, port }: ListenAddress): Promise<void> {
    this.listening.set(hostPort(host, port), await listener.listen(host, port));
  }

  private unlisten(listener: Listener, { host, port }: ListenAddress): void {
    listener.unlisten(host, port);
    this.listening.delete(hostPort(host, port));
  }

  /** In the order of the configuration. */
  private bound(): readonly string[] {
    return this.current.config.listen.flatMap(
      ({ host, port }) => this.listening.get(hostPort(host, port)) ?? [],
    );
  }

  private isClosing(): boolean {
    return this.closing !== undefined;
  }

  private async shutDown(graceMs: number): Promise<number> {
    this.draining = true;
    this.listener?.stopListening();
    if (this.inFlight.size > 0 && graceMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    }
    let cut = this.cutAll();
    // Refusals leave when the turn is over.
    if (this.listener !== undefined && graceMs === 0) await new Promise((done) => setImmediate(done));
    if (this.listener !== undefined && graceMs > 0) await new Promise((done) => setTimeout(done, LINGER_MS));
    cut += this.cutAll(); // What came meanwhile on connections that were open.
    this.listener?.close();
    this.deadlines.stop();
    await this.control.keySets.close();
    await Promise.all(Array.from(this.generations, (generation) => generation.close()));
    await this.admin?.close();
    await this.webhooks?.close();
    await this.control.revocation?.close();
    return cut;
  }

  private cutAll(): number {
    const exchanges = this.inFlight.all();
    for (const exchange of exchanges) exchange.cut();
    return exchanges.length;
  }

  /** Before anything is served, so that a restart lets no revoked token through. */
  private async openRevocations(): Promise<void> {
    try {
      await this.control.revocation?.open();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new StartError(
        `cannot keep revocations in ${this.current.config.state} (${code ?? 'no reason given'}): choose another folder with state:`,
        { cause: error },
      );
    }
  }

  private async startWebhooks(): Promise<HttpServer | undefined> {
    const { revocation } = this.control;
    const address = this.current.config.revocation?.fusionauth?.listen;
    if (revocation === undefined || address === undefined) return undefined;
    const { host, port } = address;
    try {
      return await startHttpServer({
        host,
        port,
        pages: new Map(),
        posts: revocation.webhookPosts(),
        fault: (error) => this.log.error({ error }, 'a webhook could not be answered'),
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new StartError(
        `cannot listen on the webhook address ${hostPort(host, port)} (${code ?? 'no reason given'}): choose another with revocation.fusionauth.listen:`,
      );
    }
  }

  private async startAdmin(): Promise<Admin> {
    const { config } = this.current;
    const { host, port } = config.admin;
    const webhooksToo = config.revocation?.fusionauth?.listen === undefined;
    try {
      return await startAdmin({
        host,
        port,
        posts: this.control.revocation?.adminPosts(webhooksToo) ?? new Map(),
        view: gatewayView({
          config: () => this.current.config,
          service: () => this.current.service,
          control: this.control,
          tally: this.tally,
          authCounters: this.authCounters,
          connections: this.connections,
          log: this.log,
          listening: () => this.bound(),
          draining: () => this.draining,
        }),
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new StartError(
        `cannot listen on the admin address ${hostPort(host, port)} (${code ?? 'no reason given'}): choose another with admin:`,
      );
    }
  }
}

/** Keys that differ and that a gateway takes once, when it starts. */
function fixedIn(before: Config, after: Config): readonly string[] {
  const fixed: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
    ['admin', ({ admin }) => admin],
    ['limits.requestHead', ({ limits }) => limits.requestHead],
    ['log.level', ({ log }) => log.level],
    ['revocation', ({ revocation }) => revocation],
    ['state', ({ state }) => state],
  ];
  return fixed.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(([name]) => name);
}
