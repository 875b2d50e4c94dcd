import type { AdminView, NotReady } from '../../src/admin/view.ts';
import { Counter, Histogram } from '../../src/lib/counters.ts';

function counter(value: number): Counter {
  const made = new Counter();
  made.value = value;
  return made;
}

/** A gateway as the admin address sees it, with fixed numbers and fields that must not be shown. */
export class FakeView implements AdminView {
  readonly version = '1.2.3';
  readonly startedAt = 1_000_000_000_000;
  readonly requestSeconds = new Histogram([0.001, 0.01, 0.1]);
  readonly accessLogDropped = counter(3);
  readonly connectionsRefused = counter(11);
  readonly cacheHits = counter(7);
  readonly cacheMisses = counter(2);
  readonly verifyBatchSize = new Histogram([1, 8]);
  readonly faults: unknown[] = [];
  reasonsNotReady: NotReady[] = [];
  failWith: Error | undefined;

  uptimeSeconds(): number {
    return 12.9;
  }
  listeners(): readonly string[] {
    return ['127.0.0.1:8080'];
  }
  notReady(): readonly NotReady[] {
    return this.reasonsNotReady;
  }
  requests(): Iterable<{ route: string; outcome: string; count: number }> {
    return [
      { route: '/', outcome: '200', count: 3 },
      { route: '/a"b\\c\nd', outcome: 'token_missing', count: 1 },
    ];
  }
  connections(): number {
    return 9;
  }
  cacheEntries(): number {
    return 4;
  }
  verifyQueueDepth(): number {
    return 5;
  }
  rejections(): Iterable<{ reason: string; count: number }> {
    return [{ reason: 'token_missing', count: 1 }];
  }
  upstreamConnections(): Iterable<{ upstream: string; state: 'idle' | 'busy'; count: number }> {
    return [
      { upstream: 'app', state: 'idle', count: 2 },
      { upstream: 'app', state: 'busy', count: 1 },
    ];
  }
  upstreamFailures(): Iterable<{ upstream: string; reason: string; count: number }> {
    return [{ upstream: 'app', reason: 'upstream_reset', count: 6 }];
  }
  keySets() {
    if (this.failWith !== undefined) throw this.failWith;
    return [
      {
        issuer: 'fusionauth',
        kids: ['k1'],
        ageSeconds: 3.5,
        source: 'https://idp.example/keys',
        lastError: undefined,
        nextRefreshSeconds: 59.5,
        ignored: ['keys[1] is ignored: its "use" is not sig'],
        pem: 'hidden',
      },
      {
        issuer: 'down',
        kids: [],
        ageSeconds: undefined,
        source: 'https://down.example/keys',
        lastError: 'https://down.example/keys cannot be reached (ECONNREFUSED)',
        nextRefreshSeconds: undefined,
        ignored: [],
      },
    ];
  }
  upstreams() {
    return [{ name: 'app', servers: [{ address: '127.0.0.1:9000', healthy: true, password: 'hidden' }] }];
  }
  revocations() {
    return { entries: 3, oldest: 1_000_000_000, newest: undefined, secret: 'hidden' };
  }
  revocationsReceived(): Iterable<{ source: string; count: number }> {
    return [{ source: 'admin', count: 4 }];
  }
  revocationsRefused(): Iterable<{ source: string; count: number }> {
    return [{ source: 'fusionauth', count: 2 }];
  }
  fault(error: unknown): void {
    this.faults.push(error);
  }
}
