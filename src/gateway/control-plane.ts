import { type HttpServer, startHttpServer } from '../admin/http-server.ts';
import type { Admin, GuardedHandler } from '../admin/server.ts';
import type { AdminView } from '../admin/view.ts';
import type { Config } from '../config/config.ts';
import { bindSentence } from '../front/bind-fault.ts';
import { hostPort } from '../http/host-port.ts';
import { KeySets, type NextKeySets } from '../keysets/key-sets.ts';
import { KeySetStore } from '../keysets/store.ts';
import { systemFetch } from '../keysets/system-fetch.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { systemTimers } from '../lib/timers.ts';
import { RevocationService } from '../revocation/service.ts';
import { Staples } from '../stapling/staples.ts';
import { checkServer } from '../watch/check-server.ts';
import { ModeEndpoint } from '../watch/mode-endpoint.ts';
import { type Resolver, SystemResolver } from '../watch/resolver.ts';
import { ServerWatch } from '../watch/server-watch.ts';
import { openAdmin } from './admin-address.ts';
import type { Verifiers } from './servers.ts';

export interface ControlPlaneOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when keys or revocations arrive, never by the constructor. */
  readonly verifiers: () => Verifiers;
  /** Called when servers of an upstream have come, gone or changed. */
  readonly onFacts: () => void;
  /** Looks up the names of upstream servers; undefined: as the system does. */
  readonly resolver?: Resolver | undefined;
  /** The gateway serves nothing and only reads the state folder, so it trusts the folder's owner. */
  readonly readOnly?: boolean | undefined;
}

/**
 * Keys and revocations, which come from outside while requests run and outlive a change of the configuration, with the
 * addresses for operators and webhooks.
 */
export class ControlPlane {
  readonly keySets: KeySets;
  /** Undefined: nothing can be revoked. */
  readonly revocation: RevocationService | undefined;
  /** OCSP responses of the certificates of addresses. */
  readonly staples: Staples;
  /** What is known of the servers of upstreams. */
  readonly upstreams: ServerWatch;
  readonly #config: Config;
  readonly #readOnly: boolean;
  readonly #log: Log;
  #admin: Admin | undefined;
  #webhooks: HttpServer | undefined;

  constructor(config: Config, options: ControlPlaneOptions) {
    const { clock, log, verifiers, readOnly, onFacts, resolver = new SystemResolver() } = options;
    this.#config = config;
    this.#log = log;
    this.#readOnly = readOnly === true;
    this.staples = new Staples({
      clock,
      timers: systemTimers,
      random: Math.random,
      fetch: systemFetch,
      log,
      onStaple: (certificate, staple) => verifiers().setStaple(certificate, staple),
    });
    this.upstreams = new ServerWatch({
      clock,
      timers: systemTimers,
      random: Math.random,
      log,
      resolver,
      check: checkServer,
      distribute: (upstream, facts) => {
        onFacts();
        return verifiers().setFacts(upstream, facts);
      },
    });
    this.keySets = new KeySets(config.issuers, {
      clock,
      timers: systemTimers,
      random: Math.random,
      fetch: systemFetch,
      log,
      store: config.state === undefined ? undefined : new KeySetStore(config.state, readOnly),
      setKeys: (issuer, keys) => verifiers().setKeys(issuer, keys),
    });
    const { revocation } = config;
    if (revocation === undefined) return;
    const webhooks = revocation.fusionauth;
    this.revocation = new RevocationService({
      config,
      revocation,
      clock,
      log,
      readOnly,
      verify: (token) => webhooks && verifiers().signedClaims(token, webhooks.issuer, webhooks.key),
      onKeysChanged: (issuers, proven) => {
        if (proven) for (const issuer of issuers) this.keySets.renew(issuer);
        else if (webhooks !== undefined) void this.keySets.refetch(webhooks.issuer);
      },
      distribute: (revocations) => verifiers().revoke(revocations),
      distributeDrop: () => verifiers().dropForeign(),
    });
  }

  /** Bound addresses as text; '' and undefined where there is none. */
  get addresses(): { readonly admin: string; readonly webhooks: string | undefined } {
    return { admin: this.#admin?.address ?? '', webhooks: this.#webhooks?.address };
  }

  /** Resolves when keys and revocations of the state folder are in force and the addresses are bound. @throws StartError */
  async start(view: AdminView): Promise<void> {
    await this.keySets.start();
    if (!this.#readOnly) {
      this.staples.follow(this.#config.listen);
      await this.upstreams.start(this.#config.upstreams);
    }
    // Before requests are served, so that a restart lets no revoked token through.
    await this.#openRevocations();
    this.#admin = await this.#startAdmin(view);
    this.#webhooks = await this.#startWebhooks();
  }

  /** Puts another configuration in force, with the keys that were prepared for its issuers. */
  commit({ issuers, listen, upstreams }: Config, next: NextKeySets): void {
    this.keySets.commit(next);
    this.revocation?.setIssuers(issuers);
    this.staples.follow(listen);
    this.upstreams.follow(upstreams);
  }

  async close(): Promise<void> {
    this.staples.close();
    this.upstreams.close();
    await this.keySets.close();
    await this.#admin?.close();
    await this.#webhooks?.close();
    await this.revocation?.close();
  }

  async #openRevocations(): Promise<void> {
    try {
      await this.revocation?.open();
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(
        `cannot keep revocations in ${this.#config.state} (${codeOf(error)}): choose another folder with state:`,
        { cause: error },
      );
    }
  }

  async #startWebhooks(): Promise<HttpServer | undefined> {
    const { revocation } = this;
    const address = this.#config.revocation?.fusionauth?.listen;
    if (revocation === undefined || address === undefined) return undefined;
    const { host, port } = address;
    try {
      return await startHttpServer({
        place: { host, port },
        hosts: new Set([host]),
        pages: new Map(),
        posts: revocation.webhookPosts(),
        fault: (error) => this.#log.error({ error }, 'a webhook could not be answered'),
      });
    } catch (error) {
      throw new StartError(
        `cannot listen on ${hostPort(host, port)}, the address of revocation.fusionauth: ${bindSentence(codeOf(error))}`,
        { cause: error },
      );
    }
  }

  #startAdmin(view: AdminView): Promise<Admin> {
    const webhooksToo = this.#config.revocation?.fusionauth?.listen === undefined;
    const modes = new ModeEndpoint((upstream, server, mode) =>
      this.upstreams.setMode(upstream, server, mode),
    );
    return openAdmin(this.#config.admin, {
      posts: this.revocation?.adminPosts(webhooksToo) ?? new Map(),
      guarded: new Map<string, GuardedHandler>([['/upstreams/', modes]]),
      exemplars: this.#config.metrics?.exemplars === true,
      view,
    });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'no reason given';
}
