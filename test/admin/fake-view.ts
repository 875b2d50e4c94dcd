import type { GatewayFigures } from '../../src/admin/figures.ts';
import type { AdminView, NotReady } from '../../src/admin/view.ts';
import { Histogram } from '../../src/lib/counters.ts';

/** A gateway as the admin address sees it, with fixed numbers and fields that must not be shown. */
export class FakeView implements AdminView {
  readonly version = '1.2.3';
  readonly startedAt = 1_000_000_000_000;
  readonly requestSeconds = new Histogram([0.001, 0.01, 0.1]);
  readonly verifyBatchSize = new Histogram([1, 8]);
  cacheHits = 7;
  readonly faults: unknown[] = [];
  reasonsNotReady: NotReady[] = [];
  failWith: Error | undefined;

  uptimeSeconds(): number {
    return 12.9;
  }
  addresses(): readonly string[] {
    return ['127.0.0.1:8080'];
  }
  listen() {
    const tls = { minVersion: 'TLSv1.2', clientCertificates: 'required', key: 'hidden' };
    return [
      { address: '127.0.0.1:8080', protocols: ['h2', 'http/1.1'], tls, secret: 'hidden' },
      { address: '127.0.0.1:8081', protocols: ['http/1.1'], tls: undefined },
    ];
  }
  notReady(): readonly NotReady[] {
    return this.reasonsNotReady;
  }
  /** Number of reads of the figures. */
  gatherings = 0;

  async gather(): Promise<GatewayFigures> {
    this.gatherings += 1;
    // A gateway hands over copies, which later requests do not change.
    const requestSeconds = { ...this.requestSeconds, counts: [...this.requestSeconds.counts] };
    const { verifyBatchSize } = this;
    const listener = {
      pid: 71,
      state: 'serving',
      uptimeSeconds: 8.5,
      connections: 5,
      cpuSeconds: 1.25,
      residentBytes: 1000,
      loopDelaySeconds: 0.002,
    } as const;
    const hidden = { secret: 'hidden' };
    return {
      figures: {
        requests: [
          { route: '/', outcome: '200', count: 3 },
          { route: '/a"b\\c\nd', outcome: 'token_missing', count: 1 },
        ],
        httpRequests: [{ protocol: 'http/1.1', count: 4 }],
        requestSeconds,
        routeSeconds: [{ name: '/', seconds: requestSeconds }],
        upstreamSeconds: [{ name: 'app', seconds: requestSeconds }],
        accessLogDropped: 3,
        spans: [{ result: 'exported', count: 7 }],
        tunnels: [{ route: '/ws', count: 4 }],
        tunnelEnds: [{ reason: 'token_expired', count: 2 }],
        answerEnds: [{ reason: 'token_revoked', count: 5 }],
        connections: 9,
        h2Connections: 2,
        connectionsRefused: 11,
        proxyRefusals: [{ reason: 'untrusted', count: 2 }],
        rateLimited: [{ limit: 'per-user', count: 9 }],
        rateKeys: [{ limit: 'per-user', count: 4 }],
        tlsHandshakes: [{ result: 'full', count: 8 }],
        cacheHits: this.cacheHits,
        cacheMisses: 2,
        cacheEntries: 4,
        verifyBatchSize,
        verifyQueueDepth: 5,
        rejections: [{ reason: 'token_missing', count: 1 }],
        upstreamConnections: [
          { upstream: 'app', state: 'idle', count: 2 },
          { upstream: 'app', state: 'busy', count: 1 },
        ],
        upstreamFailures: [{ upstream: 'app', reason: 'upstream_reset', count: 6 }],
        upstreamRetries: [{ upstream: 'app', result: 'sent', count: 2 }],
        refusedResponses: [{ upstream: 'app', fault: 'bare_lf', count: 4 }],
        servers: [
          {
            upstream: 'app',
            address: '127.0.0.1:9000',
            state: 'down',
            cause: 'refused',
            since: 1_000_000_001_000,
            ejected: { until: 1_000_000_010_000, cause: 'unavailable', times: 2 },
            failed: 3,
            ...hidden,
          },
        ],
        serverConnections: [{ upstream: 'app', address: '127.0.0.1:9000', count: 3, ...hidden }],
      },
      workers: [
        { ...listener, ...hidden },
        { ...listener, pid: 72, state: 'draining', connections: 4 },
      ],
      workerDeaths: 1,
      engines: [{ address: '127.0.0.1:8080', engine: 'node', reason: 'tls', ...hidden }],
    };
  }
  configuration() {
    return {
      file: '/etc/portcullis.yaml',
      loadedAt: 1_000_000_000_000,
      lastReload: { at: 1_000_000_060_000, ok: false, faults: ['f:1:1: listen: is missing'] },
      secret: 'hidden',
    };
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
  routes() {
    return [
      { name: '/', issuers: ['fusionauth'], upstream: 'app', secret: 'hidden' },
      { name: '/public', issuers: [], upstream: 'app' },
    ];
  }
  upstreams() {
    const last = { result: 'wrong_status', detail: 'status 503', at: 1_000_000_003_000, tookMs: 1_234.5 };
    const rest = { server: 'app.internal:9000', weight: 1, backup: false, secret: 'hidden' } as const;
    return [
      {
        name: 'app',
        password: 'hidden',
        servers: [
          { ...rest, address: '127.0.0.1:9000', mode: 'ready', health: undefined, lookup: undefined },
          {
            ...rest,
            address: '127.0.0.2:9000',
            mode: 'ready',
            health: {
              healthy: false,
              since: 1_000_000_002_000,
              fails: 4,
              last: { ...last, secret: 'hidden' },
              secret: 'hidden',
            },
            lookup: { lastError: 'no such name (ENOTFOUND)', nextSeconds: 1.5, secret: 'hidden' },
          },
          {
            ...rest,
            address: '127.0.0.3:9000',
            weight: 2,
            backup: true,
            mode: 'drain',
            health: { healthy: true, since: 1_000_000_002_000, fails: 0, last: undefined },
            lookup: { lastError: undefined, nextSeconds: undefined },
          },
          { ...rest, address: '127.0.0.4:9000', mode: 'down', health: undefined, lookup: undefined },
        ],
      },
    ] as const;
  }
  healthChecks() {
    return [
      { upstream: 'app', result: 'ok', count: 5 },
      { upstream: 'app', result: 'wrong_status', count: 4 },
    ];
  }
  certificates() {
    return [
      {
        address: '0.0.0.0:443',
        name: 'a.example',
        names: ['a.example', '*.a.example'],
        validTo: 1_000_864_000_000,
        now: 1_000_000_000_000,
        key: 'hidden',
        stapling: { until: 1_000_086_400_000, lastError: undefined, der: 'hidden' },
      },
    ];
  }
  revocations() {
    return { entries: 3, foreign: 1, oldest: 1_000_000_000, newest: undefined, secret: 'hidden' };
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
