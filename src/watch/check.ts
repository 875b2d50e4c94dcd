import type { TLSSocket } from 'node:tls';
import type { HealthConfig, ServerAddress, UpstreamServer } from '../config/upstream-config.ts';
import type { DownCause } from '../upstream/server-report.ts';

/** Why a check failed. */
export type CheckCause = DownCause | 'wrong_status';

/** How one check of a server ended. */
export type CheckResult =
  | { readonly ok: true; readonly detail: string }
  | { readonly ok: false; readonly cause: CheckCause; readonly detail: string };

/** One address of a server, and what its checks ask. */
export interface CheckTarget {
  readonly address: ServerAddress;
  readonly protocol: UpstreamServer['protocol'];
  readonly health: HealthConfig;
  /** The Host field, or the authority of HTTP/2, where `health` names none: the configured server. */
  readonly host: string;
  /** Makes a TLS connection for the protocol, which checks the certificate; undefined: plain text. */
  readonly secure?: (() => TLSSocket) | undefined;
}

/** Checks a server once, within the time of its `health`. Never rejects. */
export type Check = (target: CheckTarget, signal: AbortSignal) => Promise<CheckResult>;
