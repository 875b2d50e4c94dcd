import type { GatewayFigures } from '../admin/figures.ts';
import type { NotReady } from '../admin/view.ts';
import type { Config } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { ProcessWatch } from '../lib/process-figures.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { GatewayParts } from './gateway.ts';
import { Server, type ServerChange } from './server.ts';
import { serverFigures } from './server-figures.ts';
import type { Change, FetchedKeys, Servers } from './servers.ts';
import { TicketKeys } from './ticket-keys.ts';

export interface LocalServersOptions extends GatewayParts {
  readonly log: Log;
  readonly clock: Clock;
}

/** One server, in this process. It verifies by the revocations of the control plane itself. */
export class LocalServers implements Servers {
  readonly server: Server;
  readonly #watch = new ProcessWatch();
  readonly #ticketKeys: TicketKeys;

  constructor(config: Config, { control, board, log, clock }: LocalServersOptions) {
    this.server = new Server(config, {
      log,
      clock,
      refetch: (issuer) => control.keySets.refetch(issuer),
      revocations: control.revocation?.list,
      onServer: (event) => board.report(this, event),
      shared: false,
    });
    this.#ticketKeys = new TicketKeys((keys) => this.server.setTicketKeys(keys));
  }

  get config(): Config {
    return this.server.config;
  }

  get addresses(): readonly string[] {
    return this.server.addresses;
  }

  notServing(): readonly NotReady[] {
    return [];
  }

  open(): Promise<void> {
    return this.server.open();
  }

  listen(): Promise<void> {
    return this.server.listen();
  }

  async plan(config: Config): Promise<Change> {
    let change: ServerChange | undefined;
    return {
      prepare: async () => {
        change = await this.server.prepare(config);
      },
      commit: (keys: FetchedKeys) => {
        change?.commit(keys);
        return Promise.resolve();
      },
      abandon: () => change?.abandon(),
    };
  }

  setKeys(issuer: string, keys: readonly VerificationKey[]): void {
    this.server.authorizer.setKeys(issuer, keys);
  }

  signedClaims(
    token: string,
    issuer: string,
    key: VerificationKey | undefined,
  ): Readonly<Record<string, unknown>> | undefined {
    return this.server.authorizer.signedClaims(token, issuer, key);
  }

  setStaple(certificate: string, staple: Staple | undefined): void {
    this.server.setStaple(certificate, staple);
  }

  async setFacts(upstream: string, facts: readonly ServerFact[]): Promise<void> {
    this.server.setFacts(upstream, facts);
  }

  /** Already in force: the server reads the list of the control plane. */
  async revoke(): Promise<void> {}

  /** Already out of force, as `revoke`. */
  async dropForeign(): Promise<void> {}

  reopenLogs(): Promise<void> {
    return this.server.records.reopen();
  }

  async figures(): Promise<GatewayFigures> {
    const { server } = this;
    const worker = {
      ...this.#watch.read(),
      state: server.draining ? ('draining' as const) : ('serving' as const),
      connections: server.connections.open,
    };
    return { figures: serverFigures(server), workers: [worker], workerDeaths: 0, engines: server.engines };
  }

  close(graceMs: number): Promise<number> {
    return this.server.close(graceMs);
  }

  async dispose(): Promise<void> {
    this.#watch.close();
    this.#ticketKeys.close();
  }
}
