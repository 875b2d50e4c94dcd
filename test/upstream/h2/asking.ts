import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { ResponseHead, Trailers } from '../../../src/http/message.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemTimers } from '../../../src/lib/timers.ts';
import { Turn } from '../../../src/lib/turn.ts';
import { H2Pool, type H2PoolOptions } from '../../../src/upstream/h2/pool.ts';
import type { ResponseSink } from '../../../src/upstream/response-sink.ts';
import type { AttemptFailure } from '../../../src/upstream/retry.ts';
import { ServerState } from '../../../src/upstream/server-state.ts';
import type { UpstreamStream } from '../../../src/upstream/upstream-stream.ts';
import { eventually } from '../../support/gateway.ts';

/** What one request heard. */
export class Heard implements ResponseSink {
  readonly stream: UpstreamStream;
  readonly interims: ResponseHead[] = [];
  head: ResponseHead | undefined;
  body = '';
  trailers: Trailers | undefined;
  complete = false;
  failure: AttemptFailure | undefined;
  drained = 0;
  calls = 0;
  uploadOver = false;
  /** Goes on with the request body behind the response. */
  goesOn = false;

  constructor(stream: UpstreamStream) {
    this.stream = stream;
  }

  onInterim(head: ResponseHead): void {
    this.interims.push(head);
  }

  onTrailers(trailers: Trailers): void {
    this.trailers = trailers;
  }

  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void {
    assert.ok(!this.complete && this.failure === undefined, 'nothing comes behind the end');
    this.calls += 1;
    if (head !== undefined) this.head = head;
    for (const piece of pieces) this.body += Buffer.from(piece).toString('latin1');
    this.complete = complete;
    if (complete && this.goesOn && this.stream.outlasted) this.stream.continueUpload(this);
  }

  onFailure(failure: AttemptFailure): void {
    assert.ok(this.failure === undefined, 'it fails once');
    this.failure = failure;
  }

  onUploadDrained(): void {
    this.drained += 1;
  }

  onUploadOver(): void {
    this.uploadOver = true;
  }

  async end(): Promise<this> {
    await eventually(
      () => this.complete || this.failure !== undefined,
      (over) => over,
    );
    return this;
  }

  async fails(): Promise<AttemptFailure> {
    await this.end();
    assert.ok(this.failure !== undefined, 'the response is whole');
    return this.failure;
  }
}

/** A pool with nothing around it. */
export class TestPool {
  readonly pool: H2Pool;
  readonly faults: string[] = [];
  rooms = 0;
  closed = 0;
  #tick = 0;

  constructor(port: number, options: Partial<H2PoolOptions> = {}) {
    this.pool = new H2Pool(
      {
        scheme: 'http',
        connect: () => connect(port, '127.0.0.1'),
        timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
        reuse: true,
        headLimit: 4096,
        turn: new Turn(),
        state: new ServerState({ upstream: 'app', address: 'a:1' }, systemClock, systemTimers, () => {}),
        onRefusedResponse: (fault) => this.faults.push(fault),
        ...options,
      },
      {
        tick: 0,
        onRoom: () => {
          this.rooms += 1;
        },
        onClosed: () => {
          this.closed += 1;
        },
      },
    );
  }

  /** Sends a request on a session that has room, or on a new one. @param lines behind the request line. */
  ask(method = 'GET', hasBody = false, lines = 'host: a\r\n', path = '/'): Heard {
    const stream = this.pool.take() ?? this.pool.dial(false);
    const heard = new Heard(stream);
    stream.send(
      method,
      { text: `${method} ${path} HTTP/1.1\r\n${lines}\r\n`, encoding: 'latin1' },
      hasBody,
      heard,
    );
    return heard;
  }

  /** So many ticks pass. */
  pass(ticks: number): void {
    for (let left = ticks; left > 0; left -= 1) {
      this.#tick += 1;
      this.pool.sweep(this.#tick);
    }
  }
}
