import type { ClientStream } from '../front/front.ts';
import type { RequestHead, RequestLines, ResponseHead } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import type { Reason } from '../reasons.ts';
import type { Marks } from '../trace/marker.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import { isAgreed, WEBSOCKET, withChoice, withUpgradeOf } from '../tunnel/upgrade.ts';
import type { UpgradedHead } from '../upstream/response-sink.ts';
import type { AccessRecord } from './access-log.ts';
import type { ExchangeContext } from './context.ts';
import { accessEnd } from './ending.ts';
import type { Route } from './route.ts';

/** Whom a tunnel counts for; undefined where nothing bounds the tunnels of one subject. */
function subjectOf(
  { authorizer }: Pick<ExchangeContext<unknown>, 'authorizer'>,
  { policy, tunnelLimits }: Route,
  head: RequestHead,
): string | undefined {
  return tunnelLimits?.perSubject === undefined ? undefined : authorizer.subjectOf(policy, head);
}

/**
 * The request for upstream, which may ask for another protocol; see `withUpgradeOf`. HTTP/1.0 has no upgrade (RFC 9110
 * §7.8). @param written the request without it.
 */
export function mayUpgrade(
  written: RequestLines | Reason,
  route: Route,
  client: ClientStream,
  context: Pick<ExchangeContext<unknown>, 'authorizer' | 'tunnels'>,
): RequestLines | Reason {
  const { switchTo, protocol, head } = client;
  const canSwitch = route.upgrades !== undefined && switchTo !== undefined && protocol === 'http/1.1';
  if (!canSwitch && head.connects === undefined) return written;
  return withUpgradeOf(route, written, head, () =>
    context.tunnels.admits(route, subjectOf(context, route, head)),
  );
}

/**
 * Whether the client would take a response for its open tunnel, although upstream has opened none: to an extended CONNECT
 * each 2xx says that (RFC 8441 §4, RFC 9110 §9.3.6).
 */
export function seemsOpen({ connects }: RequestHead, { status }: ResponseHead): boolean {
  return connects !== undefined && status >= 200 && status < 300;
}

/** An exchange whose upstream has agreed to another protocol. */
export interface Upgraded {
  readonly head: RequestHead;
  /** The protocol that upstream was asked for. */
  readonly protocol: string | undefined;
  readonly route: Route;
  readonly client: ClientStream;
  readonly context: Pick<ExchangeContext<unknown>, 'authorizer' | 'tunnels' | 'recorder'>;
  readonly response: UpgradedHead;
  readonly marks: Marks;
  readonly upstream: TunnelSide;
  /** Undefined: no line will be written. */
  readonly access: AccessRecord | undefined;
  /** Monotonic milliseconds of the request's beginning. */
  readonly since: number;
}

/** Opens the tunnel. Returns the reason why it cannot be opened; `left`: the client has gone. */
export function openTunnel(upgraded: Upgraded): Reason | 'left' | undefined {
  const { head, protocol = '', route, client, context, response, marks, upstream } = upgraded;
  const withheld = route.policy.traces?.protocols ?? [];
  if (!isAgreed(protocol, head, response, response.upgrade, withheld)) {
    upstream.destroy();
    return 'upstream_invalid_response';
  }
  // Others may have been opened since the request was sent.
  const subject = subjectOf(context, route, head);
  if (!context.tunnels.admits(route, subject)) {
    upstream.destroy();
    return 'tunnels_exhausted';
  }
  const { responseFields } = route;
  const chosen = withChoice(response, head, withheld);
  const its: ResponseHead = responseFields === undefined ? chosen : responseFields.ofInterim(chosen);
  const side = client.switchTo?.(marks.onResponse(its), protocol);
  if (side === undefined) {
    upstream.destroy();
    return 'left';
  }
  context.tunnels.open({
    head,
    route: route.name,
    subject,
    client: side,
    upstream,
    isWebSocket: protocol === WEBSOCKET,
    onEnd: lineOf(upgraded),
  });
  return undefined;
}

/** Writes down the tunnel when the tunnel ends. It keeps nothing of the exchange that it does not need. */
function lineOf({ head, route, access, since, context }: Upgraded): Parameters<Tunnels['open']>[0]['onEnd'] {
  const { tunnels, recorder } = context;
  if (access === undefined || recorder === undefined) return () => {};
  const { name } = route;
  const upstream = route.upstream.name;
  return ({ received, sent, endedBy }) => {
    access.durationMs = tunnels.now - since;
    access.responseBytes = sent;
    access.end = endedBy;
    const end = accessEnd(access, {
      head,
      route: { name, upstream: { name: upstream } },
      outcome: 'upgraded',
      forwardedStatus: head.connects === undefined ? 101 : 200,
      requestBytes: received,
      attempted: true,
    });
    recorder.write(access, end);
  };
}
