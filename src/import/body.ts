import { isToken } from '../http/token.ts';
import type { Decision } from './decide.ts';
import { readExpression } from './expression.ts';
import type { ClaimDemand, Guard } from './guard.ts';
import type { Issuers } from './issuers.ts';
import { option, type Place, setting } from './proxy.ts';
import type { Report } from './report.ts';
import type { Headed } from './walk.ts';
import { hasVariable, written } from './words.ts';

/** What a route says beside what it matches, in the order of its keys. */
export type RouteBody = Record<string, unknown>;

type Served = Extract<Decision, { kind: 'serve' }>;

const FORWARDED = ['for', 'proto', 'host'] as const;
const VALUE = /^[!-~](?:[ -~]{0,1022}[!-~])?$/;
/** Fields that the gateway writes itself, or that no route may set. */
const RESERVED =
  /^(?:x-forwarded-.*|forwarded|via|te|trailer|upgrade|keep-alive|proxy-.*|connection|host|cookie|authorization|content-(?:type|encoding|length)|transfer-encoding|date|range|max-forwards|expect|traceparent|tracestate|x-portcullis-via)$/i;

/** The body of a route that serves. */
export function bodyOf(decision: Served, frontend: Place, issuers: Issuers, report: Report): RouteBody {
  const { guard, backend } = decision;
  const names = guard === undefined ? [] : issuers.of(guard);
  const forward = forwardOf(decision, frontend, report);
  const responseHeaders = responseHeadersOf(decision.headers, report);
  const tunnel = setting(backend.lines, 'timeout', 'tunnel') ?? setting(frontend.lines, 'timeout', 'tunnel');
  return {
    auth: guard === undefined ? 'none' : names.length === 1 ? names[0] : names,
    upstream: backend.name,
    ...(guard === undefined || guard.place === 'header' ? {} : { token: guard.place }),
    ...requireOf(guard),
    ...(Object.keys(forward).length === 0 ? {} : { forward }),
    ...(Object.keys(responseHeaders).length === 0 ? {} : { responseHeaders }),
    ...(tunnel === undefined ? {} : { upgrade: ['websocket'] }),
  };
}

function requireOf(guard: Guard | undefined): { require?: Record<string, unknown> } {
  if (guard === undefined || (guard.scopes.length === 0 && guard.claims.length === 0)) return {};
  const require: Record<string, unknown> = {};
  const [scopes, ...more] = guard.scopes;
  if (scopes !== undefined && more.length === 0)
    require['scopes'] = scopes.length === 1 ? scopes : { any: scopes };
  else if (scopes !== undefined) require['scopes'] = guard.scopes.map(([first]) => first);
  if (guard.claims.length > 0) {
    require['claims'] = guard.claims.map((demand) => ({
      claim: demand.claim.length === 1 ? demand.claim[0] : demand.claim,
      ...testOf(demand),
    }));
  }
  return { require };
}

function testOf({ values, how, numeric }: ClaimDemand): Record<string, unknown> {
  const [first, ...more] = numeric ? values.map(Number) : values.map(written);
  if (first === undefined) return { exists: true };
  if (how === 'contains') return { contains: first };
  return { equals: more.length === 0 ? first : [first, ...more] };
}

function forwardOf(
  { headers, backend, removed }: Served,
  frontend: Place,
  report: Report,
): Record<string, unknown> {
  const added = new Set<string>();
  const set: Record<string, string> = {};
  const claims: Record<string, string | readonly string[]> = {};
  const remove = new Set<string>(removed);
  const forwardfor = option(backend.lines, 'forwardfor') ?? option(frontend.lines, 'forwardfor');
  if (forwardfor !== undefined) added.add('for');
  for (const headed of headers) {
    const { action, entry } = headed.rule;
    if (action.kind !== 'header' || action.of !== 'request' || action.value === undefined) continue;
    const { name, value } = action;
    const known = /^x-forwarded-(for|proto|host)$/i.exec(name)?.[1]?.toLowerCase();
    if (known !== undefined) added.add(known);
    else if (!isToken(name) || RESERVED.test(name)) {
      report.say(
        entry,
        `${name} is removed from requests and not written; let the service take it from its own settings`,
      );
    } else {
      const claim = claimOf(value, headed);
      const text = literalOf(value);
      if (claim !== undefined) claims[name] = claim.length === 1 ? (claim[0] as string) : claim;
      else if (text !== undefined && VALUE.test(text)) set[name] = written(text);
      else {
        remove.add(name);
        report.say(
          entry,
          `only fixed values and claims can be sent; ${name} is removed, so that no client can set it`,
        );
      }
    }
  }
  for (const name of [...Object.keys(set), ...Object.keys(claims)]) remove.delete(name);
  for (const name of remove) if (!isToken(name) || RESERVED.test(name)) remove.delete(name);
  return {
    ...(Object.keys(claims).length === 0 ? {} : { headers: claims }),
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(remove.size === 0 ? {} : { remove: [...remove] }),
    ...(added.size === FORWARDED.length ? {} : { forwarded: FORWARDED.filter((name) => added.has(name)) }),
  };
}

/** The claim that `%[…]` stands for. */
function claimOf(value: string, { vars }: Headed): readonly string[] | undefined {
  const inside = /^%\[([^\]]+)\]$/.exec(value)?.[1];
  const read = inside === undefined ? undefined : readExpression(inside);
  const [head, ...rest] = read ?? [];
  const base = head?.name === 'var' ? vars.get(head.args[0] ?? '') : head && [head];
  const last = [...(base ?? []), ...rest].at(-1);
  const path = last?.name === 'jwt_payload_query' ? last.args[0] : undefined;
  return path !== undefined && /^\$(?:\.[A-Za-z0-9_-]+)+$/.test(path) ? path.slice(2).split('.') : undefined;
}

/** The text of a value without variables. */
function literalOf(value: string): string | undefined {
  const text = value.replaceAll('%%', '\u{2}');
  return /%/.test(text) && !hasVariable(text) ? undefined : text.replaceAll('\u{2}', '%');
}

function responseHeadersOf(headers: readonly Headed[], report: Report): Record<string, unknown> {
  const set: Record<string, string> = {};
  const remove = new Set<string>();
  for (const { rule } of headers) {
    const { action, entry } = rule;
    if (action.kind !== 'header' || action.of !== 'response') continue;
    const text = action.value === undefined ? undefined : literalOf(action.value);
    if (!isToken(action.name) || RESERVED.test(action.name)) {
      report.say(entry, `${action.name} of responses is not changed; let the service send what is right`);
    } else if (action.value === undefined) {
      remove.add(action.name);
      delete set[action.name];
    } else if (text !== undefined && VALUE.test(text)) {
      set[action.name] = written(text);
      remove.delete(action.name);
    } else report.say(entry, 'responses get fixed values only; let the service send this header');
  }
  return {
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(remove.size === 0 ? {} : { remove: [...remove] }),
  };
}
