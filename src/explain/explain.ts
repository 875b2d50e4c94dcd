import { type CheckName, checkOf, checks } from '../auth/checks.ts';
import { Issuer } from '../auth/policy/issuer.ts';
import type { Permit, Rejection } from '../auth/verdict.ts';
import type { Config, IssuerConfig, RouteConfig } from '../config/config.ts';
import type { ExchangeContext } from '../exchange/context.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Route } from '../exchange/route.ts';
import type { ControlPlane } from '../gateway/control-plane.ts';
import { createGateway, type LocalGateway } from '../gateway/local-gateway.ts';
import { fieldLineBytes, requestHeadBytes } from '../http/h1/head-size.ts';
import { isHostAndPort } from '../http/host-port.ts';
import type { Reply, RequestHead } from '../http/message.ts';
import { isServable } from '../http/request-rules.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import type { Reason } from '../reasons.ts';
import { type Case, details } from './details.ts';
import { headOf, type Question } from './question.ts';
import { claim, readToken } from './token-facts.ts';
import { judgeUpgrade, type Tunnel, type UpgradeCheck, unreached } from './upgrade.ts';

export interface Check {
  readonly name: CheckName;
  readonly outcome: 'pass' | 'fail' | 'not reached';
  /** Empty where it was not reached. */
  readonly detail: string;
}

export interface Explanation {
  /** Undefined when no route matches, or when readings of the path match different routes. */
  readonly route: RouteConfig | undefined;
  /** The issuer whose rules and keys apply; undefined when none does, and on a public route. */
  readonly issuer: string | undefined;
  /** Empty without a route, and on a public route. Behind those of the token are those of an upgrade, if one is asked for. */
  readonly checks: readonly (Check | UpgradeCheck)[];
  /** Undefined when the request would be forwarded. */
  readonly refusal: { readonly reason: Reason; readonly reply: Reply } | undefined;
  /** Set when upstream would be asked for an upgrade. */
  readonly tunnel?: Tunnel | undefined;
  /** The rule by which the path has another reading, if the request is refused for that. */
  readonly pathRule?: string;
}

export interface ExplainOptions {
  /** Fetch no keys: use those of the state folder. */
  readonly offline: boolean;
  readonly clock: Clock;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Explains how a gateway with this configuration would treat a request, and why. The verdict comes from the code that
 * judges real requests; the details are for the reader. Reads the state folder and changes nothing in it.
 */
export async function explain(
  config: Config,
  question: Question,
  options: ExplainOptions,
): Promise<Explanation> {
  const gateway = build({ ...config, rejection: 'rfc6750' }, options.clock);
  const context = contextOf(gateway);
  try {
    const { host, path, method } = question;
    const fault = faultOf(question, config.limits.requestHead);
    if (fault !== undefined) return await unrouted(fault, config, options.clock);
    const route = context.routes.find(host, path, method);
    if (route === undefined) return await unrouted('route_not_found', config, options.clock);
    if (route === 'ambiguous') {
      const pathRule = context.routes.ruleOf({ host, path, method });
      return { ...(await unrouted('request_malformed', config, options.clock)), pathRule };
    }
    const routeConfig = config.routes.find(({ name }) => name === route.name) as RouteConfig;
    if (routeConfig.auth === 'none' || routeConfig.auth.length === 0) {
      const verdict = await judge(context, route, headOf(question, routeConfig));
      const refusal =
        verdict.kind === 'permit'
          ? undefined
          : { reason: verdict.reason, reply: context.replies.ofRejection(verdict) };
      const open = { route: routeConfig, issuer: undefined, checks: [], refusal };
      return await withUpgrade(open, { config, gateway, route, routeConfig, question, verdict, options });
    }
    const issuers = routeConfig.auth.map((name) => config.issuers.get(name) as IssuerConfig);
    await prepare(gateway, issuers, options);
    const verdict = await judge(context, route, headOf(question, routeConfig));
    const judged = { config, gateway, route, routeConfig, issuers, question, verdict, options };
    return await withUpgrade(await conclude(judged), judged);
  } finally {
    await gateway.close({ graceMs: 0 });
  }
}

/** Makes a gateway that is never started: it opens and fetches nothing by itself. */
function build(config: Config, clock: Clock): LocalGateway {
  return createGateway({ ...config, verifiers: 0 }, { log: silent, clock, readOnly: true });
}

/** The context that its exchanges would have. */
function contextOf(gateway: LocalGateway): ExchangeContext<Exchange> {
  return gateway.servers.server.service.forExchanges;
}

/** The fault of the request apart from its token, by the rules of a front. Host is its only field. */
function faultOf({ method, host, path }: Question, limit: number): Reason | undefined {
  if (!isHostAndPort(host) || !isServable(method, path, undefined)) return 'request_malformed';
  const size = requestHeadBytes(method, path, undefined, fieldLineBytes('host', host));
  return size > limit ? 'request_head_too_large' : undefined;
}

async function unrouted(reason: Reason, config: Config, clock: Clock): Promise<Explanation> {
  const gateway = build(config, clock);
  const reply = contextOf(gateway).replies.of(reason);
  await gateway.close({ graceMs: 0 });
  return { route: undefined, issuer: undefined, checks: [], refusal: { reason, reply } };
}

/** Reads the revocations of the state folder, and reads or fetches keys. */
async function prepare(
  { control }: LocalGateway,
  issuers: readonly IssuerConfig[],
  { offline }: ExplainOptions,
): Promise<void> {
  await readRevocations(control);
  const sets = issuers.flatMap(({ name }) => control.keySets.of(name)?.sets ?? []);
  await Promise.all(sets.map((set) => (offline ? set.load() : set.fetchOnce())));
  if (offline) await control.keySets.close();
}

async function readRevocations({ revocation }: ControlPlane): Promise<void> {
  try {
    await revocation?.store.read();
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new StartError(
      `cannot read the revocations that were kept (${code}${path === undefined ? '' : ` ${path}`}): ask as the gateway's user`,
      { cause: error },
    );
  }
}

function judge(
  context: ExchangeContext<Exchange>,
  route: Route,
  head: RequestHead,
): Promise<Permit | Rejection> {
  return new Promise((resolve) => {
    const verdict = context.authorizer.authorize(route.policy, head, { onVerdict: resolve });
    if (verdict.kind !== 'pending') resolve(verdict);
  });
}

/** What was judged, of a route with issuers or without. */
interface Judged {
  readonly config: Config;
  readonly gateway: LocalGateway;
  readonly route: Route;
  readonly routeConfig: RouteConfig;
  readonly issuers: readonly IssuerConfig[];
  readonly question: Question;
  readonly verdict: Permit | Rejection;
  readonly options: ExplainOptions;
}

/** Adds what becomes of the upgrade that the request asks for, if it does. */
async function withUpgrade(
  explanation: Explanation,
  { config, gateway, route, routeConfig, question, verdict, options }: Omit<Judged, 'issuers'>,
): Promise<Explanation> {
  if (question.upgrade === undefined) return explanation;
  const { checks, refusal } = explanation;
  if (verdict.kind === 'rejection') return { ...explanation, checks: [...checks, ...unreached] };
  const head = headOf(question, routeConfig);
  const upgrade = judgeUpgrade(
    contextOf(gateway),
    route,
    routeConfig,
    question.upgrade.protocol,
    head,
    verdict,
  );
  const { reason, tunnel } = upgrade;
  return {
    ...explanation,
    checks: [...checks, ...upgrade.checks],
    refusal: reason === undefined ? refusal : (await unrouted(reason, config, options.clock)).refusal,
    tunnel,
  };
}

async function conclude(judged: Judged): Promise<Explanation> {
  const { gateway, route, routeConfig, issuers, question, verdict, options } = judged;
  const facts = readToken(question.token ?? '');
  const picked = route.policy.pick(claim(facts, 'iss'), claim(facts, 'aud'));
  const issuer = picked instanceof Issuer ? picked.config : undefined;
  const fetched = issuer && gateway.control.keySets.of(issuer.name);
  const present = fetched?.keys ?? issuer?.keys ?? [];
  const about: Case = {
    route: routeConfig,
    issuers,
    issuer,
    kids: present.map(({ kid }) => kid),
    keySource: [
      ...(fetched === undefined || (issuer?.keys.length ?? 0) > 0 ? ['the configuration'] : []),
      ...(fetched?.sets ?? []).map((set) => sourceOf(set, options.offline)),
    ].join(', and '),
    facts,
    revocable: judged.config.revocation !== undefined,
    keepsRevocations: judged.config.state !== undefined,
    now: options.clock.wall(),
  };
  const failing = verdict.kind === 'rejection' ? checkOf(verdict) : checks.length;
  const results = checks.map(({ name }, at): Check => {
    const outcome = at < failing ? 'pass' : at === failing ? 'fail' : 'not reached';
    return { name, outcome, detail: outcome === 'not reached' ? '' : details[name](about) };
  });
  const refusal = verdict.kind === 'permit' ? undefined : await refusalOf(judged, verdict);
  return { route: routeConfig, issuer: issuer?.name, checks: results, refusal };
}

function sourceOf(
  set: { readonly source: string; readonly lastError: string | undefined },
  offline: boolean,
): string {
  if (offline) return `the state folder, fetched earlier from ${set.source}`;
  return set.lastError === undefined ? set.source : `an earlier fetch, because ${set.lastError}`;
}

/** With `rejection: haproxy` the checks have another order, so another fault of the token may come first. */
async function refusalOf(judged: Judged, verdict: Rejection): Promise<Explanation['refusal']> {
  const { config, question, issuers, options, gateway } = judged;
  if (config.rejection === 'rfc6750') {
    return { reason: verdict.reason, reply: contextOf(gateway).replies.ofRejection(verdict) };
  }
  const styled = build(config, options.clock);
  try {
    await prepare(styled, issuers, options);
    const { host, path, method } = question;
    const context = contextOf(styled);
    const { routes, replies } = context;
    const route = routes.find(host, path, method) as Route;
    const second = await judge(context, route, headOf(question, judged.routeConfig));
    const rejection = second.kind === 'rejection' ? second : verdict;
    return { reason: rejection.reason, reply: replies.ofRejection(rejection) };
  } finally {
    await styled.close({ graceMs: 0 });
  }
}
