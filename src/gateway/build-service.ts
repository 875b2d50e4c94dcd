import type { AuthCounters } from '../auth/auth-counters.ts';
import { Authorizer } from '../auth/authorizer.ts';
import { preflightPermit } from '../auth/policy/preflight-permit.ts';
import { RefusalLog } from '../auth/refusal-log.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Config, ForwardConfig, RouteConfig } from '../config/config.ts';
import { AccessLog } from '../exchange/access-log.ts';
import type { Answers } from '../exchange/answers.ts';
import type { ExchangeContext } from '../exchange/context.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Recorder } from '../exchange/recorder.ts';
import type { Route } from '../exchange/route.ts';
import type { Tally } from '../exchange/tally.ts';
import { RequestWriter } from '../forwarding/request-writer.ts';
import { ResponseFields } from '../forwarding/response-fields.ts';
import { Networks } from '../http/networks.ts';
import type { Clock } from '../lib/clock.ts';
import { guardOf } from '../lib/guard.ts';
import type { Log } from '../lib/log.ts';
import type { Turn } from '../lib/turn.ts';
import { Budget } from '../limits/budget.ts';
import { upstreamLease } from '../limits/lease.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import { accessSink } from '../outlets/access-lines.ts';
import { HTTPS_PORT, HttpsRedirect } from '../replies/https-redirect.ts';
import { PreflightReplies } from '../replies/preflight.ts';
import { Replies } from '../replies/replies.ts';
import { RouteTable } from '../routing/route-table.ts';
import { Marker } from '../trace/marker.ts';
import type { RequestSpan } from '../trace/request-span.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import { BodyCopies } from '../upstream/body-copies.ts';
import { RefusedResponses } from '../upstream/refused-responses.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { ServerStates } from '../upstream/server-states.ts';
import { Upstream, type UpstreamOptions } from '../upstream/upstream.ts';
import type { Records } from './records.ts';
import { ratesFor } from './route-rates.ts';

/** The parts that a service uses and that stay when the configuration changes. */
export interface Surroundings {
  /** Asks an issuer for newer keys; see `AuthorizerOptions.refetch`. */
  readonly refetch: (issuer: string) => Promise<void> | undefined;
  /** Undefined: nothing can be revoked. */
  readonly revocations: Revocations | undefined;
  /** See `ServerOptions.scarce`. */
  readonly scarce: ((limit: string, wanted?: number) => void) | undefined;
  readonly servers: ServerStates;
  /** What the control plane knows of the servers of each upstream. */
  readonly facts: ReadonlyMap<string, readonly ServerFact[]>;
  readonly tally: Tally;
  readonly authCounters: AuthCounters;
  readonly log: Log;
  readonly clock: Clock;
  readonly records: Records;
  readonly readBuffer: Buffer;
  readonly turn: Turn;
  /** They outlive the configuration in which they began. */
  readonly tunnels: Tunnels;
  readonly answers: Answers;
  readonly rates: RateLimits;
  readonly onEnd: (exchange: Exchange) => void;
  readonly onFault: (error: unknown) => void;
}

/** The parts of a service that come from the configuration. */
interface ServiceParts {
  readonly forExchanges: ExchangeContext<Exchange>;
  /** By name. */
  readonly routes: ReadonlyMap<string, Route>;
  /** By name. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** By name. */
  readonly rateLimits: ReadonlyMap<string, RateLimit>;
}

/** Builds the objects that exchanges use from a configuration. Opens nothing. */
export function buildService(config: Config, surroundings: Surroundings): ServiceParts {
  const { tally, authCounters, log, clock, readBuffer, turn, onEnd, onFault } = surroundings;
  const { tunnels, answers, refetch, revocations, scarce } = surroundings;
  const { access, accessLog } = config.log;
  const trustedProxies = config.trustedProxies && new Networks(config.trustedProxies);
  const marker = new Marker(config.requestId, trustedProxies, clock, access !== 'off', config.tracing);
  const upstreams = new Map<string, Upstream>();
  for (const upstreamConfig of config.upstreams.values()) {
    const { name, timeouts } = upstreamConfig;
    const headLimit = config.limits.responseHead;
    const failures = tally.upstream(name);
    const retried = tally.retriesOf(name);
    const onScarce = scarce && (() => scarce(upstreamLease(name)));
    const counts = tally.refusedResponsesOf(name);
    const ofServer: UpstreamOptions['ofServer'] = (address) => ({
      state: surroundings.servers.of({ upstream: name, address }),
      onRefusedResponse: new RefusedResponses({ upstream: name, server: address, log, counts }).add,
    });
    upstreams.set(
      name,
      new Upstream({
        ...upstreamConfig,
        timeouts: { ...timeouts, streamMs: Math.max(timeouts.idleMs, config.timeouts.tunnelMs) },
        facts: surroundings.facts.get(name),
        headLimit,
        readBuffer,
        turn,
        failures,
        retried,
        ofServer,
        onScarce,
      }),
    );
  }
  const authorizer = new Authorizer({
    issuers: config.issuers,
    cache: config.cache,
    verifiers: config.verifiers,
    haproxyOrder: config.rejection === 'haproxy',
    clock,
    turn,
    counters: authCounters,
    refetch,
    revocations,
  });
  const { rateLimits, ratesOf, rateClaimsOf } = ratesFor(config, surroundings.rates);
  const routes = config.routes.map((route): Route => {
    const hashBy = hashOf(config, route);
    return {
      name: route.name,
      match: route.match,
      guard: guardOf(route),
      paths: route.paths,
      policy: authorizer.policy({
        ...route,
        keyClaim: hashBy?.kind === 'claim' ? hashBy.claim : undefined,
        loggedClaims: access === 'off' ? undefined : accessLog?.claims,
        rateClaims: rateClaimsOf(route),
      }),
      upstream: upstreamOf(route, upstreams),
      hashBy,
      forwarded: route.forward.forwarded,
      passConnectionAuth: route.connectionAuth === 'pass',
      preflight: preflightOf(route),
      responseFields: responseFieldsOf(route, marker),
      upgrades: route.upgrade && new Set(route.upgrade),
      origins: route.origins && new Set(route.origins),
      keepsTunnels: route.onExpiry?.tunnels === 'keep',
      endsAnswers: route.onExpiry?.answers === 'close',
      tunnelLimits: route.tunnels,
      rates: ratesOf(route),
      tally: tally.route(route.name),
      times: tally.timesOf(route, config.metrics?.histograms ?? []),
    };
  });
  const replies = new Replies(
    config.rejection,
    config.realm,
    routes.flatMap(({ policy }) => policy.rules?.scope ?? []),
  );
  const refusals = refusalLogOf(config.log, log, clock);
  const forExchanges: ExchangeContext<Exchange> = {
    routes: new RouteTable(routes),
    authorizer,
    writer: new RequestWriter({
      identityNames: [...marker.names, ...config.routes.flatMap((route) => writtenNames(route.forward))],
      methodsMatter: config.routes.some(
        ({ match, preflight }) => match.methods !== undefined || preflight.kind === 'pass',
      ),
      trustedProxies,
      loopMark: config.loopMark,
    }),
    replies,
    redirect: new HttpsRedirect(httpsPort(config)),
    refusal: (rejection, { name, policy }, head) => {
      refusals?.note(name, policy, head, rejection);
      return replies.ofRejection(rejection);
    },
    budget: new Budget(
      config.limits.bufferedBodies,
      scarce && ((wanted) => scarce('bufferedBodies', wanted)),
    ),
    copies: new BodyCopies(),
    turn,
    tally,
    exemplars: config.metrics?.exemplars === true,
    trustedProxies,
    marker,
    tunnels,
    answers,
    recorder: recorderOf(config, surroundings, authorizer),
    clock,
    requestBodyLimit: config.limits.requestBody,
    rejectChunked: config.chunkedRequests === 'reject',
    requestMs: config.timeouts.requestMs,
    bodyMinRate: config.timeouts.bodyMinRate,
    onEnd,
    onFault,
  };
  return { forExchanges, upstreams, rateLimits, routes: new Map(routes.map((route) => [route.name, route])) };
}

/** Undefined: nothing is written down of exchanges. */
function recorderOf(
  { log: settings, tracing }: Config,
  { log, records, tally, clock }: Surroundings,
  authorizer: Authorizer,
): Recorder | undefined {
  const { access } = settings;
  const { outlet, spans } = records;
  const accessLog =
    access === 'off'
      ? undefined
      : new AccessLog(access, accessSink(settings, log, outlet, clock), tally.accessLogDropped);
  const paths = tracing?.paths === true;
  const rules = spans && { add: (span: RequestSpan) => spans.add(span), authorizer, paths };
  return accessLog === undefined && rules === undefined ? undefined : new Recorder(accessLog, rules, clock);
}

/** The port of https: that of an address with TLS, or the usual one, as behind a balancer that speaks TLS. */
function httpsPort({ listen }: Config): number {
  const ports = listen.flatMap((address) =>
    address.tls !== undefined && 'port' in address ? address.port : [],
  );
  return ports.includes(HTTPS_PORT) ? HTTPS_PORT : ports[0] || HTTPS_PORT;
}

function refusalLogOf({ level, refused }: Config['log'], log: Log, clock: Clock): RefusalLog | undefined {
  if (refused === 'details') return new RefusalLog(log, 'info', clock);
  return level === 'debug' ? new RefusalLog(log, 'debug', clock) : undefined;
}

function preflightOf(route: RouteConfig): Route['preflight'] {
  const { preflight } = route;
  if (preflight.kind === 'answer') return new PreflightReplies(preflight);
  return preflight.kind === 'pass' ? preflightPermit(route) : undefined;
}

/** The client gets the id of its request and no other, also where upstream sends one. */
function responseFieldsOf({ responseHeaders }: RouteConfig, { header }: Marker): ResponseFields | undefined {
  if (header === undefined) return responseHeaders && new ResponseFields(responseHeaders);
  const { set = new Map(), remove = [] } = responseHeaders ?? {};
  return new ResponseFields({ set, remove: [...remove, header] });
}

/** Every header that a route writes. A client's own copy must not go upstream. */
function writtenNames({ headers, payload, set, remove = [] }: ForwardConfig): readonly string[] {
  const written = [...headers.keys(), ...(payload === undefined ? [] : [payload]), ...(set?.keys() ?? [])];
  return [...written, ...remove];
}

/** The part of a request by which the upstream of its route chooses a server. */
function hashOf({ upstreams }: Config, { upstream }: RouteConfig): Route['hashBy'] {
  const balance = upstreams.get(upstream)?.balance;
  return typeof balance === 'object' ? balance.hash : undefined;
}

function upstreamOf(route: RouteConfig, upstreams: ReadonlyMap<string, Upstream>): Upstream {
  const upstream = upstreams.get(route.upstream);
  if (upstream === undefined) throw new Error(`route ${route.name} names an upstream that was not built`);
  return upstream;
}
