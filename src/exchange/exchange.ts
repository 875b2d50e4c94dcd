import type { Pending, Permit, Rejection, VerdictWaiter } from '../auth/verdict.ts';
import { clientAddress } from '../forwarding/forwarded.ts';
import { privateResponse } from '../forwarding/private-response.ts';
import type { WireHead } from '../forwarding/request-writer.ts';
import type { Downstream, DownstreamEvents } from '../front/uws/downstream.ts';
import type { RequestHead } from '../http/message.ts';
import type { Reason } from '../reasons.ts';
import { noBody, type Reply } from '../replies/replies.ts';
import { findPreflight } from '../routing/preflight.ts';
import type { ResponseHead } from '../upstream/h1/response-head.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { AccessRecord } from './access-log.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import type { Reviewed } from './deadlines.ts';
import { RequestBody } from './request-body.ts';
import type { Route } from './route.ts';
import { faultOf, type Service } from './service.ts';
import { NO_ROUTE, type Outcome } from './tally.ts';
import { type RestOwner, UploadRest } from './upload-rest.ts';

/**
 * Bytes of a refused request's body that are read so that the client may use its connection again. With more to come
 * a new connection is cheaper, and this one is closed when the client has its answer.
 */
const DRAIN_BYTES = 16 * 1024 * 1024;

/**
 * The life of one exchange, top to bottom: judge the request, find its route, authorize it, get a connection, send
 * the request, carry the answer back, count how it ended. With a cached token and an idle connection everything up
 * to the last byte sent upstream happens in one turn, without a promise.
 */
export class Exchange implements Reviewed, VerdictWaiter, AttemptOwner, DownstreamEvents, RestOwner {
  slot = 0;
  private readonly service: Service<Exchange>;
  private readonly head: RequestHead;
  private readonly downstream: Downstream;
  private readonly startedAt: number;
  private route: Route | undefined;
  private pending: Pending | undefined;
  private wire: WireHead | undefined;
  private attempt: Attempt | undefined;
  private finishing = false;
  private ended = false;
  private answer: ResponseHead | undefined;
  /** Undefined when the request has none. */
  private body: RequestBody | undefined;
  /** Set when the body goes on behind the answer. */
  private rest: UploadRest | undefined;
  /** The end of the answer waits for the rest of the body. */
  private holding = false;
  /** The answer asks the client to leave; decided once, because it is looked at more than once. */
  private readonly leaves: boolean;
  /** Set while this exchange has to be logged. */
  private access: AccessRecord | undefined;

  constructor(service: Service<Exchange>, head: RequestHead, downstream: Downstream) {
    this.service = service;
    this.head = head;
    this.downstream = downstream;
    this.startedAt = service.clock.monotonic();
    const often = service.requestsPerConnection;
    this.leaves = often !== Infinity && Math.random() * often < 1;
  }

  /** 1. Judge the request and find its route. Must be called in the turn in which the head was read. */
  start(): void {
    const { head, downstream, service } = this;
    downstream.listen(this);
    // Now, because the engine tells no address once the client is gone or has its answer.
    this.access = service.accessLog?.begin(() => this.clientAddress());
    if (this.access?.client === null) {
      this.leave();
      return;
    }
    if (head.framing !== 'none') {
      this.body = new RequestBody(head.framing === 'chunked', service, downstream, this.startedAt);
      downstream.takeBody();
      this.body.expect(head.contentLength);
    }
    const fault = faultOf(head, service);
    if (fault !== undefined) {
      this.refuse(fault);
      return;
    }
    const preflight = findPreflight(service.routes, head);
    const route = preflight?.route ?? service.routes.find(head.host, head.path, head.method);
    if (route === 'ambiguous') {
      if (this.access !== undefined) this.access.pathRule = service.routes.ruleOf(head);
      this.refuse('request_malformed');
    } else if (route === undefined) this.refuse('route_not_found');
    else {
      this.route = route;
      if (preflight === undefined) this.authorize(route);
      else if (preflight.leave.kind === 'permit') this.prepare(preflight.leave);
      else this.end('preflight_answered', preflight.leave.to(preflight.origin));
    }
  }

  /** 2. Ask for a permit; a cached token has it at once, another gets it when its signature has been verified. */
  private authorize(route: Route): void {
    const verdict = this.service.authorizer.authorize(route.policy, this.head, this);
    if (verdict.kind === 'pending') this.pending = verdict;
    else this.onVerdict(verdict);
  }

  onVerdict(verdict: Permit | Rejection): void {
    this.pending = undefined;
    if (this.ended) return;
    try {
      if (verdict.kind === 'permit') this.prepare(verdict);
      else this.end(verdict.reason, this.service.refusal(verdict, this.route as Route, this.head));
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** 3. Write the request's head, which takes the permit, and get a connection. */
  private prepare(permit: Permit): void {
    const { forwarded } = this.route as Route;
    const matters = forwarded.size > 0 || this.service.trustedProxies !== undefined;
    const address = matters ? this.downstream.remoteAddress() : '';
    // The client has reset the connection; without its address upstream could hold no one to what is asked.
    if (address === undefined) {
      this.leave();
      return;
    }
    const wire = this.service.writer.write(permit, this.head, forwarded, address);
    if (typeof wire === 'string') this.refuse(wire);
    else if (wire.connectionAuth === true && this.route?.passConnectionAuth !== true) {
      this.refuse('connection_auth_refused');
    } else {
      this.wire = wire;
      this.forward(false);
    }
  }

  /** 4. Send the request; a second time if the first attempt did no harm. */
  private forward(second: boolean): void {
    const { head, wire, body } = this;
    const { upstream } = this.route as Route;
    this.attempt = new Attempt(this, upstream, head.method, wire as WireHead, body !== undefined, second);
    this.attempt.start();
  }

  onNoConnection(reason: Reason): void {
    this.refuse(reason);
  }

  onSent(stream: UpstreamStream): void {
    this.body?.attach(stream);
  }

  /** 5. Carry the request body. */
  onRequestBody(chunk: Uint8Array, last: boolean): void {
    if (this.rest !== undefined) this.rest.take(chunk, last);
    if (this.ended || this.rest !== undefined) return;
    const fault = this.body?.take(chunk, last);
    if (fault !== undefined) this.refuse(fault);
  }

  onUploadDrained(): void {
    this.body?.onDrained();
  }

  /** 6. Carry the answer back, as fast as the client takes it. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void {
    if (this.ended) return;
    if (head !== undefined) this.answer = this.wire?.tokenInUrl === true ? privateResponse(head) : head;
    const answer = this.answer as ResponseHead;
    if (this.access !== undefined) for (const piece of pieces) this.access.answerBytes += piece.length;
    if (complete) {
      const { body, downstream } = this;
      const stream = this.attempt?.finish();
      if (body !== undefined && stream !== undefined)
        this.rest = new UploadRest(body, stream, downstream, this);
      else body?.drop();
    }
    if (!this.downstream.answering) {
      if (complete && pieces.length <= 1) {
        this.answerWhole(answer, pieces[0] ?? noBody);
        return;
      }
      // The engine sends no head before the first body byte.
      if (pieces.length === 0) return;
      const total = answer.framing === 'length' ? answer.contentLength : -1;
      this.downstream.begin(answer, total, this.closeAfter());
    }
    if (complete && this.outlasts()) {
      this.holding = true;
      this.downstream.sendButEnd(pieces);
      return;
    }
    const taken = this.downstream.send(pieces, complete);
    if (complete) this.settle(taken);
    else if (!taken) this.attempt?.pause();
  }

  private answerWhole(answer: ResponseHead, body: Uint8Array): void {
    const announced = answer.framing === 'none' ? answer.contentLength : undefined;
    if (this.outlasts()) {
      this.downstream.answerBeforeBody(answer, body, announced, this);
      this.end('forwarded');
    } else this.settle(this.downstream.answer(answer, body, this.closeAfter(), announced));
  }

  /** @param taken the client has taken the whole answer; otherwise `onDrained` follows. */
  private settle(taken: boolean): void {
    if (taken) this.end('forwarded');
    else this.finishing = true;
  }

  private outlasts(): boolean {
    return this.rest?.outlasts(this.head.contentLength, this.closeAfter()) === true;
  }

  onRestOver(): void {
    if (!this.holding) this.downstream.release();
    else if (!this.ended) this.settle(this.downstream.finish());
  }

  onDrained(): void {
    if (this.finishing) this.end('forwarded');
    else this.attempt?.resume();
  }

  /** 7. Every way to end; exactly one is counted. */
  onFailure(reason: Reason, again: boolean): void {
    if (again && !this.ended) this.forward(true);
    else this.refuse(reason);
  }

  /** The client is as good as gone. */
  private leave(): void {
    this.downstream.abort();
    this.end('client_aborted');
  }

  private clientAddress(): string | undefined {
    const peer = this.downstream.remoteAddress();
    return peer === undefined ? undefined : clientAddress(this.head, peer, this.service.trustedProxies);
  }

  onAborted(): void {
    this.end('client_aborted');
  }

  /** A fault of ours: the client gets an answer if it can, and nothing is left behind. */
  onInternalError(error: unknown): void {
    this.service.onFault(error);
    // What failed behind the end was the answer itself.
    if (this.ended) this.downstream.abort();
    else this.refuse('internal_error');
  }

  /** Looks whether it takes too long; called several times a second. */
  review(now: number, postpone: boolean): void {
    if (this.ended) return;
    const awaited = this.rest === undefined && this.body?.awaited === true;
    if (now - this.startedAt >= this.service.requestMs) this.expire();
    else if (this.downstream.stuck(now)) this.leave();
    else {
      const verdict = awaited ? this.body?.review(now, postpone) : undefined;
      if (verdict === 'slow') this.refuse('request_timeout');
      else if (postpone && verdict !== 'idle') this.downstream.postponeTimeout();
    }
  }

  /** The time for the whole request is over: the reason names the side that had the next step to take. */
  private expire(): void {
    const { downstream, body } = this;
    if (downstream.behind || (body?.awaited === true && !downstream.pausing)) this.refuse('request_timeout');
    else if (this.pending !== undefined) this.refuse('verifier_overloaded');
    else {
      (this.route as Route).upstream.failures.of('upstream_timeout').value += 1;
      this.refuse('upstream_timeout');
    }
  }

  /** Cuts the exchange short, at the end of a shutdown's grace. */
  cut(): void {
    this.refuse('draining');
  }

  private refuse(reason: Reason): void {
    if (this.ended) return;
    this.end(reason, this.service.replies.of(reason));
  }

  private reply(reply: Reply, outcome: Outcome): void {
    const { downstream } = this;
    if (downstream.answering) {
      downstream.abort();
      this.log(outcome);
      return;
    }
    // The engine parses on in the bytes it already has and forgets a wish to close inside that turn, so an answer
    // that must end the connection waits until it is done: what was smuggled behind the request is never served. A
    // client that wants the end itself has often sent its body with the head, and is then answered behind it.
    if (this.mustClose(reply) || (this.head.close && downstream.receiving))
      setImmediate(() => this.sendReply(reply, outcome));
    else this.sendReply(reply, outcome);
  }

  private sendReply(reply: Reply, outcome: Outcome): void {
    const { downstream, access } = this;
    if (downstream.open) {
      // No length is announced with 204 (RFC 9110 §8.6).
      const without = reply.status === 204 ? -1 : undefined;
      const announced = this.head.method === 'HEAD' ? reply.body.length : without;
      const closes = this.head.close || this.mustClose(reply);
      // With a fault in the head the framing is in doubt, and so is what a body would be.
      if (closes && downstream.receiving && this.head.fault === undefined) {
        downstream.answerBeforeBody(reply.head, reply.body, announced);
      } else downstream.answer(reply.head, reply.body, closes, announced);
      if (access !== undefined) {
        access.status = reply.status;
        access.answerBytes = announced === undefined ? reply.body.length : 0;
      }
    }
    this.log(outcome);
  }

  private closeAfter(): boolean {
    return this.head.close || this.endsConnection();
  }

  /** Even if the client wants otherwise. The engine parses trailers of a chunked request as a new one: none may follow. */
  private endsConnection(): boolean {
    return this.leaves || this.head.framing === 'chunked' || this.service.draining();
  }

  private mustClose(reply: Reply): boolean {
    const unread = this.head.contentLength - (this.body?.bytes ?? 0);
    return reply.close || this.endsConnection() || unread > DRAIN_BYTES;
  }

  /** Counts, lets go of everything, and answers with `reply` if it can. */
  private end(outcome: Outcome, reply?: Reply): void {
    if (this.ended) return;
    this.ended = true;
    this.pending?.cancel();
    this.pending = undefined;
    this.attempt?.leave();
    if (this.rest === undefined) this.body?.drop();
    else if (outcome !== 'forwarded') this.rest.stop();
    const seconds = (this.service.clock.monotonic() - this.startedAt) / 1000;
    if (outcome === 'forwarded') this.service.tally.forwarded((this.route as Route).tally, seconds);
    else this.service.tally.failed(this.route?.tally, outcome, seconds);
    this.service.onEnd(this);
    if (this.access !== undefined) this.access.durationMs = seconds * 1000;
    if (reply !== undefined) this.reply(reply, outcome);
    else this.log(outcome);
  }

  /** Called once, when it is known what the client was sent. */
  private log(outcome: Outcome): void {
    const { access, head, route, downstream } = this;
    if (access === undefined) return;
    this.access = undefined;
    this.service.accessLog?.write(access, {
      method: head.method,
      host: head.host,
      path: head.path,
      route: route?.name ?? NO_ROUTE,
      outcome,
      status: access.status ?? (downstream.answering ? this.answer?.status : undefined) ?? null,
      durationMs: access.durationMs,
      requestBytes: this.body?.bytes ?? 0,
      upstream: this.wire === undefined ? null : (route?.upstream.name ?? null),
    });
  }
}
