import type { Figures } from '../admin/figures.ts';
import type { Config } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { ProcessFigures } from '../lib/process-figures.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerReport } from '../upstream/server-report.ts';

/** Grows with every change of these messages, because the two sides may be of different versions after an upgrade. */
export const PROTOCOL = 2;

/** Keys by issuer; see `FetchedKeys`. */
export type KeysByIssuer = ReadonlyMap<string, readonly VerificationKey[]>;

/**
 * What a supervisor tells its listener processes, in this order: `configure`, `revoke` as often as needed, `serve`;
 * then anything. What has an `id` is answered by an answer with the same.
 */
export type ToWorker =
  | {
      readonly kind: 'configure';
      readonly index: number;
      readonly config: Config;
      readonly keys: KeysByIssuer;
    }
  | { readonly kind: 'revoke'; readonly id: number; readonly revocations: readonly Revocation[] }
  /** Forget revocations that only Redis told. */
  | { readonly kind: 'drop-foreign'; readonly id: number }
  | { readonly kind: 'serve'; readonly id: number }
  | { readonly kind: 'keys'; readonly issuer: string; readonly keys: readonly VerificationKey[] }
  /** A refetch that was asked for is over; its keys, if any, came before. */
  | { readonly kind: 'refetched'; readonly issuer: string }
  | { readonly kind: 'prepare'; readonly id: number; readonly config: Config }
  | { readonly kind: 'commit'; readonly id: number; readonly keys: KeysByIssuer }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'gather'; readonly id: number }
  /** Others need units of a limit. */
  | { readonly kind: 'lower'; readonly id: number; readonly limit: string; readonly wanted: number }
  /** The answer to `want`, or before `serve` what is left of a limit, as a difference. */
  | { readonly kind: 'raise'; readonly limit: string; readonly amount: number }
  /** Take no new connections, which is answered when it is so; then end when the last has left or after `graceMs`. */
  | { readonly kind: 'retire'; readonly id: number; readonly graceMs: number }
  /** End as soon as what is in flight has ended or `graceMs` is over. */
  | { readonly kind: 'close'; readonly graceMs: number };

/** What one listener process has counted and taken. */
export interface WorkerReport {
  readonly figures: Figures;
  readonly process: ProcessFigures;
}

export type ToSupervisor =
  /** The first message. */
  | { readonly kind: 'hello'; readonly protocol: number; readonly version: string }
  | { readonly kind: 'done'; readonly id: number }
  /** What was asked for is not possible; `why` is a sentence. */
  | { readonly kind: 'refused'; readonly id: number; readonly why: string }
  | { readonly kind: 'report'; readonly id: number; readonly report: WorkerReport }
  | { readonly kind: 'refetch'; readonly issuer: string }
  /** A limit runs short; see `Leases`. */
  | { readonly kind: 'want'; readonly limit: string; readonly wanted: number }
  | { readonly kind: 'lowered'; readonly id: number; readonly amount: number }
  /** An upstream server is down or up again, as far as this process can tell. */
  | { readonly kind: 'server'; readonly report: ServerReport }
  /** It is about to end by itself and serves until then what it has begun: another one must take its place. */
  | { readonly kind: 'leaving'; readonly why: string }
  /** The last message: how many exchanges were cut. */
  | { readonly kind: 'closed'; readonly cut: number; readonly report: WorkerReport };
