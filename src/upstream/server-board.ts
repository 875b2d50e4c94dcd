import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ServerName, ServerReport } from './server-report.ts';
import { serverKey } from './server-state.ts';

/**
 * Least milliseconds between two lines about one server: one that fails every second request changes many times in a
 * second.
 */
const TELL_EVERY_MS = 5_000;

interface Server {
  /** By who reports. */
  readonly reports: Map<unknown, ServerReport>;
  told: 'up' | 'down';
  /** Monotonic milliseconds of the last line. */
  toldAt: number;
  /** Wall-clock milliseconds since when it was told to be down. */
  downSince: number;
  /** Failures told of since it was told to be down, by those who have found it up again. */
  failed: number;
  timer: NodeJS.Timeout | undefined;
}

/** What all processes find out about servers, told in the log once: down when one finds it down, up when none does. */
export class ServerBoard {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #servers = new Map<string, Server>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A process has found a server down or up again. */
  hear(reporter: unknown, report: ServerReport): void {
    const key = serverKey(report);
    let server = this.#servers.get(key);
    if (server === undefined) {
      const toldAt = Number.NEGATIVE_INFINITY;
      server = { reports: new Map(), told: 'up', toldAt, downSince: 0, failed: 0, timer: undefined };
      this.#servers.set(key, server);
    }
    if (report.state === 'down') server.reports.set(reporter, report);
    else {
      server.failed += report.failed;
      // That one process has not tried it again says nothing of the others' word, nor that it is up.
      if (server.reports.delete(reporter) && report.state === 'untried' && server.reports.size === 0) {
        this.#log.info(
          { upstream: report.upstream, server: report.address, failed: report.failed },
          'an upstream server that was down has not been asked since',
        );
        server.told = 'up';
        return;
      }
    }
    this.#tell(key, server, report);
  }

  /** A process has ended: what it found counts no more, and the next one finds out anew. */
  forget(reporter: unknown): void {
    for (const { reports } of this.#servers.values()) reports.delete(reporter);
  }

  /** Other servers are in force: nothing is logged of the ones that are gone. */
  keep(servers: Iterable<ServerName>): void {
    const kept = new Set(Array.from(servers, serverKey));
    for (const [key, { timer }] of this.#servers) {
      if (kept.has(key)) continue;
      clearTimeout(timer);
      this.#servers.delete(key);
    }
  }

  close(): void {
    for (const { timer } of this.#servers.values()) clearTimeout(timer);
    this.#servers.clear();
  }

  #tell(key: string, server: Server, last: ServerReport): void {
    const [first] = server.reports.values();
    const state = first === undefined ? 'up' : 'down';
    if (state === server.told || server.timer !== undefined) return;
    const wait = server.toldAt + TELL_EVERY_MS - this.#clock.monotonic();
    if (wait > 0) {
      server.timer = setTimeout(() => {
        server.timer = undefined;
        this.#tell(key, server, last);
      }, wait);
      server.timer.unref();
      return;
    }
    server.told = state;
    server.toldAt = this.#clock.monotonic();
    const { upstream, address } = last;
    if (first !== undefined) {
      server.downSince = first.since;
      server.failed = 0;
      this.#log.warn({ upstream, server: address, cause: first.cause }, 'an upstream server is down');
    } else {
      const seconds = Math.max(0, Math.round((this.#clock.wall() - server.downSince) / 1000));
      const { failed } = server;
      this.#log.warn({ upstream, server: address, seconds, failed }, 'an upstream server is up again');
    }
  }
}
