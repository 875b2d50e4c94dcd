import type { GatewayFigures } from '../admin/figures.ts';
import type { NotReady } from '../admin/view.ts';
import type { Config } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerFact } from '../upstream/server-facts.ts';

/** Keys in force that the configuration does not hold, by issuer. */
export type FetchedKeys = ReadonlyMap<string, readonly VerificationKey[]>;

/** The servers as the control plane sees them: it hands them keys, revocations, staples and what it knows of upstreams. */
export interface Verifiers {
  /** Puts an issuer's keys in force. Throws when a key cannot be used; the old keys then stay. */
  setKeys(issuer: string, keys: readonly VerificationKey[]): void;
  /** See `Authorizer.signedClaims`. */
  signedClaims(
    token: string,
    issuer: string,
    key: VerificationKey | undefined,
  ): Readonly<Record<string, unknown>> | undefined;
  /** See `Front.setStaple`. */
  setStaple(certificate: string, staple: Staple | undefined): void;
  /** See `ServerWatchOptions.distribute`. */
  setFacts(upstream: string, facts: readonly ServerFact[]): Promise<void>;
  /** See `RevocationStoreOptions.distribute`. */
  revoke(revocations: readonly Revocation[]): Promise<void>;
  /** See `RevocationStoreOptions.distributeDrop`. */
  dropForeign(): Promise<void>;
}

/** Serves the traffic of a gateway: a server in this process, or worker processes with a server each. */
export interface Servers extends Verifiers {
  /** In force. */
  readonly config: Config;
  /** Bound addresses, in the order of the configuration. */
  readonly addresses: readonly string[];
  /** Why they cannot take traffic; empty when they can. */
  notServing(): readonly NotReady[];
  /** Prepares all parts that need no address. Resolves before the control plane starts. @throws StartError */
  open(): Promise<void>;
  /** Resolves when every address is bound and served. @throws StartError */
  listen(): Promise<void>;
  /** Begins a change to another configuration, before its keys are fetched. @throws StartError when an address is taken */
  plan(config: Config): Promise<Change>;
  /** Access logs go to the files that have their names now. Never rejects. */
  reopenLogs(): Promise<void>;
  figures(): Promise<GatewayFigures>;
  /** See `Gateway.close`. The verifiers stay usable for the control plane. */
  close(graceMs: number): Promise<number>;
  /** Frees the verifiers. Called when the control plane has closed. */
  dispose(): Promise<void>;
}

/** A change to another configuration: it is prepared, then either committed or abandoned. */
export interface Change {
  /** Makes the configuration ready. @throws StartError when a part of it is not available; `abandon` must follow. */
  prepare(): Promise<void>;
  /**
   * Puts the configuration in force. It is in force when this returns, and every server has taken it when the promise
   * resolves. Throws when a key cannot be used; nothing has changed then, and `abandon` must follow.
   */
  commit(keys: FetchedKeys): Promise<void>;
  abandon(): void;
}
