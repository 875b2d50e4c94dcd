import { valuesOf } from '../http/field-values.ts';
import {
  fieldsOf,
  type RequestHead,
  type RequestLines,
  type ResponseHead,
  withField,
  withUpgrade,
} from '../http/message.ts';
import { acceptanceFault, handshakeFault, upgradesOf } from '../http/websocket/handshake.ts';
import { offeredProtocols, PROTOCOL_FIELD } from '../http/websocket/protocols.ts';
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
 * request goes on as any other, and so does one with a body. An extended CONNECT (RFC 8441) cannot go on without.
 * @param written the lines without it, or the reason of a refusal, which stays.
 * @param hasRoom whether a tunnel may be opened now.
 */
export function withUpgradeOf(
  { upgrades, origins }: UpgradeRules,
  written: RequestLines | Reason,
  head: RequestHead,
  hasRoom: () => boolean,
): RequestLines | Reason {
  const protocol = upgradesOf(head).find((name) => upgrades?.has(name) === true);
  if (typeof written === 'string') return written;
  if (head.connects !== undefined && protocol !== WEBSOCKET) return 'upgrade_not_allowed';
  if (protocol === undefined || head.framing !== 'none') return written;
  if (protocol === WEBSOCKET) {
    const fault = handshakeFault(head);
    if (fault !== undefined) return fault === 'version' ? 'upgrade_not_allowed' : 'request_malformed';
  }
  if (origins !== undefined && !valuesOf(head, 'origin').every((origin) => origins.has(origin)))
    return 'origin_not_allowed';
  return hasRoom() ? withUpgrade(written, protocol) : 'tunnels_exhausted';
}

/** Whether a 101 agrees to the protocol that was asked for. @param upgrade, withheld see `acceptanceFault`. */
export function isAgreed(
  protocol: string,
  request: RequestHead,
  response: ResponseHead,
  upgrade: string | undefined,
  withheld: readonly string[],
): boolean {
  if (protocol === WEBSOCKET) return acceptanceFault(request, response, upgrade, withheld) === undefined;
  return upgrade?.toLowerCase() === protocol;
}

/**
 * The 101 for a client that has offered subprotocols. Where only one with a token was offered and upstream, which did not
 * see it, has chosen none, that one is the choice: browsers end a connection whose server takes none of their offers.
 */
export function withChoice(
  response: ResponseHead,
  request: RequestHead,
  withheld: readonly string[],
): ResponseHead {
  const own = offeredProtocols(request).find((name) => withheld.includes(name));
  const isChosen = fieldsOf(response).some(([name]) => name.toLowerCase() === PROTOCOL_FIELD);
  return own === undefined || isChosen ? response : withField(response, 'Sec-WebSocket-Protocol', own);
}
