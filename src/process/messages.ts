import type { Figures, ServedAddress } from '../admin/figures.ts';
import type { Config } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { ProcessFigures } from '../lib/process-figures.ts';
import type { Charges } from '../limits/rate-limit.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { ServerEvent } from '../upstream/server-report.ts';

/** Grows with every change of these messages: after an upgrade the two sides may be of different versions. */
export const PROTOCOL = 7;

/** Keys by issuer; see `FetchedKeys`. */
export type KeysByIssuer = ReadonlyMap<string, readonly VerificationKey[]>;

/**
 * The messages of a supervisor to its workers: first `configure`, then `revoke` as often as needed, then `serve`, then
 * any. A worker responds to each message with an `id` by a message with the same `id`.
 */
export type ToWorker =
  | {
      readonly kind: 'configure';
      readonly index: number;
      readonly config: Config;
      readonly keys: KeysByIssuer;
      /** See `TicketKeys`. */
      readonly ticketKeys: Uint8Array;
      /** See `Staples.current`. */
      readonly staples: ReadonlyMap<string, Staple>;
      /** See `ServerWatch.current`. */
      readonly facts: ReadonlyMap<string, readonly ServerFact[]>;
      /** What the keys of rate limits have used. */
      readonly charges: readonly Charges[];
    }
  | { readonly kind: 'revoke'; readonly id: number; readonly revocations: readonly Revocation[] }
  /** Forget the revocations that came only from Redis. */
  | { readonly kind: 'drop-foreign'; readonly id: number }
  | { readonly kind: 'serve'; readonly id: number }
  | { readonly kind: 'keys'; readonly issuer: string; readonly keys: readonly VerificationKey[] }
  /** The keys of session tickets from now on. */
  | { readonly kind: 'ticket-keys'; readonly ticketKeys: Uint8Array }
  /** See `Front.setStaple`. */
  | { readonly kind: 'staple'; readonly certificate: string; readonly staple: Staple | undefined }
  /** All that the supervisor knows of the servers of one upstream; see `Upstream.take`. */
  | {
      readonly kind: 'facts';
      readonly id: number;
      readonly upstream: string;
      readonly facts: readonly ServerFact[];
    }
  /** A refetch for which the worker asked is over; any new keys were sent before. */
  | { readonly kind: 'refetched'; readonly issuer: string }
  | { readonly kind: 'prepare'; readonly id: number; readonly config: Config }
  | { readonly kind: 'commit'; readonly id: number; readonly keys: KeysByIssuer }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'ping'; readonly id: number }
  /** See `Servers.reopenLogs`. */
  | { readonly kind: 'reopen'; readonly id: number }
  | { readonly kind: 'gather'; readonly id: number }
  /** Other workers need units of a limit. */
  | { readonly kind: 'lower'; readonly id: number; readonly limit: string; readonly wanted: number }
  /** The response to `want`; or, before `serve`, how many units less than its share are left. */
  | { readonly kind: 'raise'; readonly limit: string; readonly amount: number }
  /** Requests that another worker has let in by rate limits. */
  | { readonly kind: 'charges'; readonly charges: readonly Charges[] }
  /** The response to `charge`. */
  | { readonly kind: 'charged' }
  /** Stop accepting connections, then respond; end when the last client has left or after `graceMs`. */
  | { readonly kind: 'retire'; readonly id: number; readonly graceMs: number }
  /** End as soon as the exchanges in flight have ended or `graceMs` is over. */
  | { readonly kind: 'close'; readonly graceMs: number };

/** The figures of one worker, and the resources that it uses. */
export interface WorkerReport {
  readonly figures: Figures;
  readonly process: ProcessFigures;
  readonly engines: readonly ServedAddress[];
}

export type ToSupervisor =
  /** The first message. */
  | { readonly kind: 'hello'; readonly protocol: number; readonly version: string }
  | { readonly kind: 'done'; readonly id: number }
  /** The worker could not do its task; `why` is a sentence. */
  | { readonly kind: 'refused'; readonly id: number; readonly why: string }
  | { readonly kind: 'report'; readonly id: number; readonly report: WorkerReport }
  | { readonly kind: 'refetch'; readonly issuer: string }
  /** A limit runs short; see `Leases`. */
  | { readonly kind: 'want'; readonly limit: string; readonly wanted: number }
  /** Requests that the worker has let in by rate limits. */
  | { readonly kind: 'charge'; readonly charges: readonly Charges[] }
  | { readonly kind: 'lowered'; readonly id: number; readonly amount: number }
  /** The worker found an upstream server down, or up again. */
  | { readonly kind: 'server'; readonly event: ServerEvent }
  /** The worker is about to end by itself. Until another takes its place, it serves. */
  | { readonly kind: 'leaving'; readonly why: string }
  /** The last message; `cut` is how many exchanges were cut. */
  | { readonly kind: 'closed'; readonly cut: number; readonly report: WorkerReport };
