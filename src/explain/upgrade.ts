import type { Permit } from '../auth/verdict.ts';
import type { RouteConfig } from '../config/config.ts';
import type { ExchangeContext } from '../exchange/context.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Route } from '../exchange/route.ts';
import { valuesOf } from '../http/field-values.ts';
import type { RequestHead } from '../http/message.ts';
import type { Reason } from '../reasons.ts';
import { withUpgradeOf } from '../tunnel/upgrade.ts';
import { shown } from './token-facts.ts';

/** A check of a request for an upgrade. It has a detail without being reached where the request goes on without. */
export interface UpgradeCheck {
  readonly name: 'upgrade' | 'origin';
  readonly outcome: 'pass' | 'fail' | 'not reached';
  readonly detail: string;
}

/** The tunnel that a valid 101 of upstream would open. */
export interface Tunnel {
  readonly protocol: string;
  /** When it would end with its token, seconds since the epoch; Infinity: never, by time or `onExpiry`; undefined: not known. */
  readonly endsAt: number | undefined;
}

interface UpgradeVerdict {
  readonly checks: readonly UpgradeCheck[];
  /** Of the refusal; undefined when the request goes on, with the upgrade or without. */
  readonly reason: Reason | undefined;
  readonly tunnel: Tunnel | undefined;
}

/** The checks behind a token that is refused. */
export const unreached: readonly UpgradeCheck[] = [notReached('upgrade'), notReached('origin')];

/** An address from which the request might come: it has no part in the verdict. */
const SOME_ADDRESS = '127.0.0.1';

/**
 * Judges a request for an upgrade by what judges real ones. How many tunnels are open is not known here, so
 * `tunnels_exhausted` is no verdict.
 */
export function judgeUpgrade(
  { writer, authorizer }: ExchangeContext<Exchange>,
  route: Route,
  { upgrade = [], origins }: RouteConfig,
  asked: string,
  head: RequestHead,
  permit: Permit,
): UpgradeVerdict {
  const written = writer.write(permit, head, route.forwarded, SOME_ADDRESS, 'https');
  const wire = withUpgradeOf(route, written, head, () => true);
  const known = `the route upgrades to ${upgrade.length === 0 ? 'nothing' : upgrade.join(', ')}`;
  const what = `${shown(asked)} by ${shown(head.method)}; ${known}`;
  const [origin] = valuesOf(head, 'origin');
  const allowed = origins === undefined ? 'any' : origins.join(', ');
  const from = `${origin === undefined ? 'no Origin, as of a program' : shown(origin)}; allowed: ${allowed}`;
  if (wire === 'origin_not_allowed') {
    return { checks: [passed('upgrade', what), failed('origin', from)], reason: wire, tunnel: undefined };
  }
  if (typeof wire === 'string') {
    return { checks: [failed('upgrade', what), notReached('origin')], reason: wire, tunnel: undefined };
  }
  if (wire.upgrade === undefined) {
    const without = notReached('upgrade', `${what}, so the request goes on without it`);
    return { checks: [without, notReached('origin')], reason: undefined, tunnel: undefined };
  }
  const endsAt = route.keepsTunnels ? Number.POSITIVE_INFINITY : authorizer.endOf(route.policy, head);
  const tunnel = { protocol: wire.upgrade, endsAt };
  return { checks: [passed('upgrade', what), passed('origin', from)], reason: undefined, tunnel };
}

type Name = UpgradeCheck['name'];

function passed(name: Name, detail: string): UpgradeCheck {
  return { name, outcome: 'pass', detail };
}

function failed(name: Name, detail: string): UpgradeCheck {
  return { name, outcome: 'fail', detail };
}

function notReached(name: Name, detail = ''): UpgradeCheck {
  return { name, outcome: 'not reached', detail };
}
