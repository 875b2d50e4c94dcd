import { type HttpServer, startHttpServer } from './admin/http-server.ts';
import { type Admin, startAdmin } from './admin/server.ts';
import { AuthCounters } from './auth/auth-counters.ts';
import type { Config } from './config/config.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { gatewayView } from './gateway-view.ts';
import { systemClock } from './lib/clock.ts';
import { hostPort } from './lib/host-port.ts';
import type { Log } from './lib/log.ts';
import { Roster } from './lib/roster.ts';
import { StartError } from './lib/start-error.ts';
import { ConnectionLimit } from './listener/connection-limit.ts';
import { loadEngine } from './listener/engine.ts';
import { Listener } from './listener/listener.ts';
import { type BuiltService, buildService } from './service.ts';
import { Tally } from './tally.ts';
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
  private readonly config: Config;
  private readonly log: Log;
  private readonly inFlight = new Roster<Exchange>();
  private readonly deadlines = new Deadlines(this.inFlight, systemClock);
  private readonly connections: ConnectionLimit;
  private readonly service: BuiltService;
  private readonly tally = new Tally();
  private readonly authCounters = new AuthCounters();
  private listener: Listener | undefined;
  private admin: Admin | undefined;
  private webhooks: HttpServer | undefined;
  private listening: string[] = [];
  private draining = false;
  private onIdle: (() => void) | undefined;
  private closing: Promise<number> | undefined;

  constructor(config: Config, log: Log) {
    this.config = config;
    this.log = log;
    this.connections = new ConnectionLimit(config.limits.connections, systemClock, log);
    this.service = buildService(config, {
      tally: this.tally,
      authCounters: this.authCounters,
      log: this.log,
      clock: systemClock,
      readBuffer: readBuffer(),
      draining: () => this.draining,
      onEnd: (exchange) => {
        this.inFlight.delete(exchange);
        if (this.inFlight.size === 0) this.onIdle?.();
      },
      onFault: (error) => this.log.error({ error }, 'a request could not be handled'),
    });
  }

  get addresses(): Addresses {
    const { listening, admin, webhooks } = this;
    return { listen: listening, admin: admin?.address ?? '', webhooks: webhooks?.address };
  }

  async start(): Promise<void> {
    try {
      const requestHeadBytes = this.config.limits.requestHead;
      const engine = loadEngine(requestHeadBytes);
      await this.service.authorizer.start();
      await this.service.keySets.start();
      await this.openRevocations();
      this.admin = await this.startAdmin();
      this.webhooks = await this.startWebhooks();
      this.listener = new Listener({
        engine,
        requestHeadBytes,
        connections: this.connections,
        serve: (head, downstream) => {
          const exchange = new Exchange(this.service, head, downstream);
          this.inFlight.add(exchange);
          try {
            exchange.start();
          } catch (error) {
            exchange.onInternalError(error);
          }
        },
        onError: (error) => this.log.error({ error }, 'a request could not be read'),
      });
      this.deadlines.start();
      for (const { host, port } of this.config.listen) {
        this.listening.push(await this.listener.listen(host, port));
      }
    } catch (error) {
      await this.close({ graceMs: 0 });
      throw error;
    }
  }

  close(options: { readonly graceMs: number }): Promise<number> {
    this.closing ??= this.shutDown(options.graceMs);
    return this.closing;
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
    for (const pool of this.service.pools.values()) pool.close();
    await this.service.keySets.close();
    await this.service.authorizer.close();
    await this.admin?.close();
    await this.webhooks?.close();
    await this.service.revocation?.close();
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
      await this.service.revocation?.open();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new StartError(
        `cannot keep revocations in ${this.config.state} (${code ?? 'no reason given'}): choose another folder with state:`,
        { cause: error },
      );
    }
  }

  private async startWebhooks(): Promise<HttpServer | undefined> {
    const { revocation } = this.service;
    const address = this.config.revocation?.fusionauth?.listen;
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
    const { host, port } = this.config.admin;
    const webhooksToo = this.config.revocation?.fusionauth?.listen === undefined;
    try {
      return await startAdmin({
        host,
        port,
        posts: this.service.revocation?.adminPosts(webhooksToo) ?? new Map(),
        view: gatewayView({
          config: this.config,
          service: this.service,
          tally: this.tally,
          authCounters: this.authCounters,
          connections: this.connections,
          log: this.log,
          listening: () => this.listening,
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
