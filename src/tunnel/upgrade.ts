import { valuesOf } from '../http/field-values.ts';
import { type RequestHead, type RequestLines, type ResponseHead, withUpgrade } from '../http/message.ts';
import { acceptanceFault, handshakeFault, upgradesOf } from '../http/websocket/handshake.ts';
import type { Reason } from '../reasons.ts';

export const WEBSOCKET = 'websocket';

/** The rules of a route for upgrades. */
export interface UpgradeRules {
  /** Protocols to which its requests may upgrade, in lower case; undefined: none. */
  readonly upgrades: ReadonlySet<string> | undefined;
  /** The values of Origin with which they may; undefined: any. */
  readonly origins: ReadonlySet<string> | undefined;
}

/**
 * The lines for upstream with the protocol to which the request upgrades. Without a protocol that the route names the
 * request goes on as any other, and so does one with a body.
 * @param written the lines without it, or the reason of a refusal, which stays.
 * @param full no tunnel may be opened now.
 */
export function withUpgradeOf(
  { upgrades, origins }: UpgradeRules,
  written: RequestLines | Reason,
  head: RequestHead,
  full: boolean,
): RequestLines | Reason {
  const protocol = upgradesOf(head).find((name) => upgrades?.has(name) === true);
  if (typeof written === 'string' || protocol === undefined || head.framing !== 'none') return written;
  if (protocol === WEBSOCKET) {
    const fault = handshakeFault(head);
    if (fault !== undefined) return fault === 'version' ? 'upgrade_not_allowed' : 'request_malformed';
  }
  if (origins !== undefined && !valuesOf(head, 'origin').every((origin) => origins.has(origin)))
    return 'origin_not_allowed';
  return full ? 'tunnels_exhausted' : withUpgrade(written, protocol);
}

/** Whether a 101 agrees to the protocol that was asked for. @param upgrade see `acceptanceFault`. */
export function isAgreed(
  protocol: string,
  request: RequestHead,
  response: ResponseHead,
  upgrade: string | undefined,
): boolean {
  if (protocol === WEBSOCKET) return acceptanceFault(request, response, upgrade) === undefined;
  return upgrade?.toLowerCase() === protocol;
}
