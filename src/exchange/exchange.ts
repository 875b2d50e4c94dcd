import type { Pending, Permit, Rejection, VerdictWaiter } from '../auth/verdict.ts';
import { passesExpectation } from '../forwarding/request-writer.ts';
import type { ClientEvents, ClientStream } from '../front/front.ts';
import type { Reply, RequestHead, RequestLines, ResponseHead, Trailers } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import type { Reason } from '../reasons.ts';
import { findPreflight } from '../routing/preflight.ts';
import type { Marks } from '../trace/marker.ts';
import { NO_KEY } from '../upstream/balance/balancer.ts';
import type { UpgradedHead } from '../upstream/response-sink.ts';
import type { Retry } from '../upstream/retry.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { AccessRecord } from './access-log.ts';
import type { Answer, AnswerOwner } from './answer.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { addressOf, replyOf, responseOf } from './client-facts.ts';
import { type ExchangeContext, faultOf } from './context.ts';
import type { Reviewed } from './deadlines.ts';
import { accessEnd, countEnd, countExpiry, noteReply } from './ending.ts';
import type { RateRefusal } from './rates.ts';
import { RequestBody } from './request-body.ts';
import { requestKey } from './request-key.ts';
import type { Route } from './route.ts';
import type { Outcome } from './tally.ts';
import { mayUpgrade, openTunnel, seemsOpen } from './upgrade.ts';
import { type RestOwner, UploadRest } from './upload-rest.ts';
import { watchAnswer } from './watch-answer.ts';

/** The status by which upstream asks for the request body (RFC 9110 §15.2.1). */
const CONTINUE = 100;

/**
 * The life of one exchange, top to bottom: judge the request, find its route, authorize it, attempt the upstream, carry
 * the response back, count the outcome. With a cached token and an idle connection all of it up to the last byte sent
 * upstream happens in one turn, without a promise.
 */
export class Exchange implements Reviewed, VerdictWaiter, AttemptOwner, ClientEvents, RestOwner, AnswerOwner {
  slot = 0;
  readonly #context: ExchangeContext<Exchange>;
  readonly #head: RequestHead;
  readonly client: ClientStream;
  readonly #startedAt: number;
  #route: Route | undefined;
  #pending: Pending | undefined;
  #wire: RequestLines | undefined;
  /** By which the request stays with one server. */
  #key = NO_KEY;
  #attempt: Attempt | undefined;
  #finishing = false;
  #outcome: Outcome | undefined;
  /** The head of upstream's response, once it has arrived. */
  #response: ResponseHead | undefined;
  /** Set while the response ends with its token. */
  #answer: Answer | undefined;
  /** Undefined when the request has none. */
  body: RequestBody | undefined;
  /** Set when the request body goes on after the response. */
  #rest: UploadRest | undefined;
  /** The gateway's own reply; undefined while upstream may still respond. */
  #reply: Reply | undefined;
  /** Set until the access log has its line. */
  #access: AccessRecord | undefined;
  readonly #marks: Marks;

  constructor(context: ExchangeContext<Exchange>, client: ClientStream) {
    this.#context = context;
    this.client = client;
    this.#head = client.head;
    this.#startedAt = context.clock.monotonic();
    this.#marks = context.marker.of(client);
  }

  /** 1. Judge the request and find its route. Must be called in the turn in which the head was read. */
  start(): void {
    const head = this.#head;
    const client = this.client;
    const context = this.#context;
    client.listen(this);
    this.#access = context.recorder?.begin(client, this.#marks, () => addressOf(client, head, context));
    if (this.#access?.client === null) {
      this.#leave();
      return;
    }
    if (head.framing !== 'none') {
      this.body = new RequestBody(head.framing === 'chunked', context, client, this.#startedAt);
      client.takeBody(context.bodyMinRate > 0);
      this.body.expect(head.contentLength);
    }
    const fault = client.redirects === true ? head.fault : faultOf(head, context);
    if (fault !== undefined) {
      this.#refuse(fault);
      return;
    }
    if (head.path === '*') {
      this.#end('options_answered', context.replies.forServer);
      return;
    }
    if (client.redirects === true) {
      this.#end('redirected', context.redirect.to(head));
      return;
    }
    const preflight = findPreflight(context.routes, head);
    const route = preflight?.route ?? context.routes.find(head.host, head.path, head.method);
    if (route === 'ambiguous') {
      if (this.#access !== undefined) this.#access.pathRule = context.routes.ruleOf(head);
      this.#refuse('request_malformed');
    } else if (route === undefined) this.#refuse('route_not_found');
    else {
      this.#route = route;
      if (preflight?.leave.kind === 'replies')
        this.#end('preflight_answered', preflight.leave.to(preflight.origin));
      else if (this.#keepsRate(route.rates?.early(client, context.trustedProxies))) {
        if (preflight === undefined) this.#authorize(route);
        else this.#prepare(preflight.leave);
      }
    }
  }

  /** 2. Ask for a permit: at once for a cached token, later for one whose signature must be verified. */
  #authorize(route: Route): void {
    const asked = this.#access?.span ?? this.#context.authorizer;
    const verdict = asked.authorize(route.policy, this.#head, this);
    if (verdict.kind === 'pending') this.#pending = verdict;
    else this.onVerdict(verdict);
  }

  onVerdict(verdict: Permit | Rejection): void {
    this.#pending = undefined;
    if (this.#ended) return;
    this.#access?.span?.judged();
    try {
      if (verdict.kind === 'permit') this.#prepare(verdict);
      else this.#refuseBy(verdict.reason, this.#context.refusal(verdict, this.#route as Route, this.#head));
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** 3. Write the request's head, which takes the permit. */
  #prepare(permit: Permit): void {
    const route = this.#route as Route;
    const { forwarded, hashBy } = route;
    if (this.#access !== undefined) this.#access.claims = permit.claims;
    if (!this.#keepsRate(route.rates?.late(permit))) return;
    const matters = forwarded.size > 0 || this.#context.trustedProxies !== undefined;
    const address = matters ? this.client.peer() : '';
    // The client has reset the connection. Without its address upstream cannot know whose request this is.
    if (address === undefined) {
      this.#leave();
      return;
    }
    const written = this.#context.writer.write(permit, this.#head, forwarded, address, this.client.scheme);
    const wire = mayUpgrade(written, route, this.client, this.#context);
    if (typeof wire === 'string') this.#refuse(wire);
    else if (wire.connectionAuth === true && route.passConnectionAuth !== true) {
      this.#refuse('connection_auth_refused');
    } else {
      this.#wire = this.#marks.onRequest(wire);
      if (hashBy) this.#key = requestKey(hashBy, permit, this.client, this.#context.trustedProxies);
      if (passesExpectation(this.#head)) this.body?.awaitContinue();
      this.#forward(undefined);
    }
  }

  onUpgraded(response: UpgradedHead, upstream: TunnelSide): void {
    this.#noteServer();
    const [context, head, access, since] = [this.#context, this.#head, this.#access, this.#startedAt];
    const [route, client, marks, wire] = [this.#route as Route, this.client, this.#marks, this.#wire];
    const sides = { client, upstream, response, protocol: wire?.upgrade };
    const fault = openTunnel({ context, head, route, marks, access, since, ...sides });
    if (fault === undefined) {
      this.#access = undefined; // Its line comes with the end of the tunnel.
      this.#end('upgraded');
    } else if (fault === 'left') this.#leave();
    else this.#refuse(fault);
  }

  /** 4. Send the request; again if the policy for retries says so. */
  #forward(retry: Retry | undefined): void {
    const head = this.#head;
    const wire = this.#wire as RequestLines;
    const { upstream } = this.#route as Route;
    this.#attempt = new Attempt(this, upstream, head.method, wire, this.body !== undefined, retry, this.#key);
    this.#attempt.start();
  }

  onNoConnection(reason: Reason): void {
    this.#refuse(reason);
  }

  onSent(stream: UpstreamStream): void {
    this.body?.attach(stream);
  }

  /** 5. Carry the request body. */
  onRequestBody(chunk: Uint8Array, last: boolean): void {
    if (this.#rest !== undefined) this.#rest.take(chunk, last);
    if (this.#ended || this.#rest !== undefined) return;
    const fault = this.body?.take(chunk, last);
    if (fault !== undefined) this.#refuse(fault);
  }

  onRequestTrailers(trailers: Trailers): void {
    this.body?.upload.setTrailers(this.#context.writer.writeTrailers(trailers));
  }

  onBodyFault(reason: Reason): void {
    if (this.#ended) this.#rest?.stop();
    else this.#refuse(reason);
  }

  onUploadDrained(): void {
    this.body?.onDrained();
  }

  onInterim(head: ResponseHead): void {
    if (this.#ended) return;
    if (head.status === CONTINUE) this.body?.onContinue();
    else this.client.sendInterim?.(this.#route?.responseFields?.ofInterim(head) ?? head);
  }

  onTrailers(trailers: Trailers): void {
    if (this.#ended) return;
    this.client.setTrailers?.(this.#route?.responseFields?.ofTrailers(trailers) ?? trailers);
  }

  /** 6. Carry the response back as fast as the client takes it. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void {
    if (head !== undefined && seemsOpen(this.#head, head)) this.#refuse('upstream_invalid_response');
    if (this.#ended) return;
    const client = this.client;
    if (head !== undefined) {
      const route = this.#route as Route;
      this.#response = responseOf(head, route, this.#wire, client, this.#head, this.#context);
      client.begin(this.#marks.onResponse(this.#response));
      if (!complete) this.#answer = watchAnswer(this, this.#context, route, this.#head, head);
    }
    const own = this.#answer === undefined ? pieces : this.#answer.take(pieces);
    if (this.#access !== undefined) for (const piece of own) this.#access.responseBytes += piece.length;
    if (complete) this.#onComplete();
    const taken = client.send(own, complete);
    if (!complete) {
      if (!taken) this.#attempt?.pause();
      this.#answer?.settle();
    } else if (taken) this.#end('forwarded');
    else this.#finishing = true;
  }

  /** Upstream has sent all of its response; it may read on in the request. */
  #onComplete(): void {
    const { body, client } = this;
    const stream = this.#attempt?.finish();
    // A client that was not told to send its body has its response instead.
    if (body === undefined || stream === undefined || body.awaitsContinue) {
      body?.drop();
      return;
    }
    this.#rest = new UploadRest(body, stream, client, this.#context.clock, this);
    client.keepBody(body.held);
  }

  onRestOver(): void {
    this.client.releaseBody();
  }

  onDrained(): void {
    if (this.#finishing) this.#end('forwarded');
    else {
      this.#answer?.settle();
      this.#attempt?.resume();
    }
  }

  onAnswerOver(reason: Reason, whole: boolean): void {
    const { started } = this.client;
    if (started && this.#access !== undefined) this.#access.end = reason;
    if (!started || !whole) this.#refuse(reason);
    else {
      this.#attempt?.abandon();
      this.body?.drop();
      this.#finishing = true;
      if (this.client.send([], true)) this.#end('forwarded');
    }
  }

  /** 7. The ways to end; each exchange counts exactly one. */
  onFailure(reason: Reason): void {
    this.#refuse(reason);
  }

  onRetry(retry: Retry): void {
    if (this.#ended) return;
    this.#noteServer();
    if (this.#access !== undefined) this.#access.attempts += 1;
    this.body?.detach();
    this.#forward(retry);
  }

  /** Gives up the client, which has taken no bytes for too long. */
  #leave(): void {
    this.client.abort();
    this.#end('client_aborted');
  }

  /** For the access log: the server that was tried last. */
  #noteServer(): void {
    if (this.#access !== undefined)
      this.#access.server = this.#attempt?.server?.address ?? this.#access.server;
  }

  get #ended(): boolean {
    return this.#outcome !== undefined;
  }

  onAborted(): void {
    // The rest of a body that goes on behind the response will never come.
    if (this.#ended && this.body?.awaited === true) this.#rest?.stop();
    this.#end('client_aborted');
  }

  /** A fault of ours: the client gets a reply if that is still possible, and the exchange releases all it holds. */
  onInternalError(error: unknown): void {
    this.#context.onFault(error);
    // After the end only the response itself can have failed.
    if (this.#ended) this.client.abort();
    else this.#refuse('internal_error');
  }

  /** Ends the exchange if it takes too long; called several times a second. */
  review(now: number): void {
    if (this.#ended) return;
    if (now - this.#startedAt >= this.#context.requestMs)
      this.#refuse(countExpiry(this.client, this.body, this.#pending !== undefined, this.#route));
    else if (!this.client.review(now)) this.#leave();
    else if (this.#rest === undefined && this.body?.isSlow(now) === true && this.#attempt?.pacesBody !== true)
      this.#refuse('request_timeout');
  }

  /** Cuts the exchange short, at the end of a shutdown's grace. */
  cut(): void {
    this.#refuse('draining');
  }

  #keepsRate(excess: RateRefusal | undefined): boolean {
    if (excess !== undefined) this.#refuseBy('rate_limited', this.#context.replies.rateLimited(excess));
    return excess === undefined;
  }

  #refuse(reason: Reason): void {
    if (!this.#ended) this.#refuseBy(reason, this.#context.replies.of(reason));
  }

  #refuseBy(reason: Reason, reply: Reply): void {
    this.#end(reason, this.#context.replies.forClient(reply, reason, this.client.protocol, this.#head));
  }

  onReplied(sent: boolean): void {
    if (sent) noteReply(this.#access, this.#reply, this.#head);
    this.#log();
  }

  /** Counts the outcome, releases everything, and sends `reply` if there is one. */
  #end(outcome: Outcome, reply?: Reply): void {
    if (this.#ended) return;
    this.#outcome = outcome;
    this.#pending?.cancel();
    this.#pending = undefined;
    this.#noteServer();
    this.#attempt?.abandon();
    if (this.#answer !== undefined) this.#context.answers.delete(this.#answer);
    if (this.#rest === undefined) this.body?.drop();
    else if (outcome !== 'forwarded') this.#rest.stop();
    const seconds = (this.#context.clock.monotonic() - this.#startedAt) / 1000;
    countEnd(this.#context, this.client.protocol, this.#route, outcome, seconds, this.#marks);
    this.#context.onEnd(this);
    if (this.#access !== undefined) this.#access.durationMs = seconds * 1000;
    if (reply === undefined) this.#log();
    else {
      this.#reply = replyOf(reply, this.#route, this.client, this.#head, this.#context);
      this.client.reply(this.#marks.onReply(this.#reply));
    }
  }

  /** Called when the end of the response is known. Writes one line at most. */
  #log(): void {
    const access = this.#access;
    const outcome = this.#outcome;
    if (access === undefined || outcome === undefined) return;
    this.#access = undefined;
    const ended = accessEnd(access, {
      head: this.#head,
      route: this.#route,
      outcome,
      forwardedStatus: this.client.started ? this.#response?.status : undefined,
      requestBytes: this.body?.bytes ?? 0,
      attempted: this.#wire !== undefined,
    });
    this.#context.recorder?.write(access, ended);
  }
}
