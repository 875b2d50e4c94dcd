import { type HttpServer, startHttpServer } from '../admin/http-server.ts';
import { type Admin, startAdmin } from '../admin/server.ts';
import type { AdminView } from '../admin/view.ts';
import type { Config, IssuerConfig } from '../config/config.ts';
import { bindSentence } from '../front/bind-fault.ts';
import { hostPort } from '../http/host-port.ts';
import type { VerificationKey } from '../keys/key.ts';
import { KeySets, type NextKeySets } from '../keysets/key-sets.ts';
import { KeySetStore } from '../keysets/store.ts';
import { systemFetch } from '../keysets/system-fetch.ts';
import { systemTimers } from '../keysets/timers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import type { Revocation } from '../revocation/revocation.ts';
import { RevocationService } from '../revocation/service.ts';

/** Those who judge tokens, as control sees them. */
export interface Judges {
  /** Puts an issuer's keys in force. Throws, and the old ones stay, when one of them cannot be used. */
  setKeys(issuer: string, keys: readonly VerificationKey[]): void;
  /** See `Authorizer.signedClaims`. */
  signedClaims(
    token: string,
    issuer: string,
    key: VerificationKey | undefined,
  ): Readonly<Record<string, unknown>> | undefined;
  /** See `RevocationStoreOptions.distribute`; absent where they judge by the list of this process. */
  readonly distribute?: ((revocations: readonly Revocation[]) => Promise<void>) | undefined;
  /** See `RevocationStoreOptions.distributeDrop`; absent as `distribute`. */
  readonly distributeDrop?: (() => Promise<void>) | undefined;
}

export interface ControlPlaneOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked only when something is learned. */
  readonly judges: Judges;
  /** Nothing is served by what is learned: it is only looked at, so the owner of the state folder is trusted. */
  readonly readOnly?: boolean;
}

/**
 * What is learned from outside while requests run, and outlives a change of the configuration: keys, revocations; and
 * the addresses where it is told and asked.
 */
export class ControlPlane {
  readonly keySets: KeySets;
  /** Undefined: nothing can be revoked. */
  readonly revocation: RevocationService | undefined;
  readonly #config: Config;
  readonly #log: Log;
  #admin: Admin | undefined;
  #webhooks: HttpServer | undefined;

  constructor(config: Config, options: ControlPlaneOptions) {
    const { clock, log, judges, readOnly } = options;
    this.#config = config;
    this.#log = log;
    this.keySets = new KeySets(config.issuers, {
      clock,
      timers: systemTimers,
      random: Math.random,
      fetch: systemFetch,
      log,
      store: config.state === undefined ? undefined : new KeySetStore(config.state, readOnly),
      setKeys: (issuer, keys) => judges.setKeys(issuer, keys),
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
      verify: (token) => webhooks && judges.signedClaims(token, webhooks.issuer, webhooks.key),
      onKeysChanged: (issuers, proven) => {
        if (proven) for (const issuer of issuers) this.keySets.renew(issuer);
        else if (webhooks !== undefined) void this.keySets.refetch(webhooks.issuer);
      },
      distribute: judges.distribute,
      distributeDrop: judges.distributeDrop,
    });
  }

  /** Bound addresses as `host:port`; '' and undefined where there is none. */
  get addresses(): { readonly admin: string; readonly webhooks: string | undefined } {
    return { admin: this.#admin?.address ?? '', webhooks: this.#webhooks?.address };
  }

  /** Resolves when what was kept is in force and the addresses are bound. @throws StartError */
  async start(view: AdminView): Promise<void> {
    await this.keySets.start();
    // Before anything is served, so that a restart lets no revoked token through.
    await this.#openRevocations();
    this.#admin = await this.#startAdmin(view);
    this.#webhooks = await this.#startWebhooks();
  }

  /** Other issuers are in force from now on. */
  follow(issuers: ReadonlyMap<string, IssuerConfig>, next: NextKeySets): void {
    this.keySets.commit(next);
    this.revocation?.setIssuers(issuers);
  }

  async close(): Promise<void> {
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
        host,
        port,
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

  async #startAdmin(view: AdminView): Promise<Admin> {
    const { host, port, hosts } = this.#config.admin;
    const webhooksToo = this.#config.revocation?.fusionauth?.listen === undefined;
    try {
      const posts = this.revocation?.adminPosts(webhooksToo) ?? new Map();
      return await startAdmin({ host, port, hosts, posts, view });
    } catch (error) {
      throw new StartError(
        `cannot listen on ${hostPort(host, port)}, the address of admin: ${bindSentence(codeOf(error))}`,
        { cause: error },
      );
    }
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'no reason given';
}
