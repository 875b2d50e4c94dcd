import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ServerEvent, ServerName, ServerReport } from './server-report.ts';
import { serverKey } from './server-states.ts';

/**
 * Milliseconds between two lines about one server, at least: a server that fails every second request changes its state
 * many times a second.
 */
const LOG_EVERY_MS = 5_000;

interface Server {
  /** The reports of the processes that find it down, by process. */
  readonly reports: Map<unknown, ServerReport>;
  logged: 'up' | 'down';
  /** Monotonic milliseconds of the last line. */
  loggedAt: number;
  /** Wall-clock milliseconds since when it was down, as the last line said. */
  downSince: number;
  /** Failures since that line, as reported by processes that have found it up again. */
  failed: number;
  timer: NodeJS.Timeout | undefined;
  /** The processes that have ejected it. */
  readonly ejectedBy: Set<unknown>;
}

/**
 * Logs once for all processes whether servers work: a server is down when one process finds it down, up when none does.
 * In the same way it is ejected.
 */
export class ServerBoard {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #servers = new Map<string, Server>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Takes a process's report that it has found a server down or up again, or that it has ejected a server. */
  report(reporter: unknown, { what, report }: ServerEvent): void {
    const key = serverKey(report);
    const server = this.#servers.get(key) ?? newServer();
    this.#servers.set(key, server);
    if (what === 'ejection') {
      this.#logEjection(server, reporter, report);
      return;
    }
    if (report.state === 'down') server.reports.set(reporter, report);
    else {
      server.failed += report.failed;
      // This process has not tried the server again, so it does not know that the server is up. Other reports hold.
      if (server.reports.delete(reporter) && report.state === 'untried' && server.reports.size === 0) {
        this.#log.info(
          { upstream: report.upstream, server: report.address, failed: report.failed },
          'an upstream server that was down has not been asked since',
        );
        server.logged = 'up';
        return;
      }
    }
    this.#logChange(key, server, report);
  }

  /** A process has ended: its reports no longer count, and its successor reports for itself. */
  forget(reporter: unknown): void {
    for (const { reports, ejectedBy } of this.#servers.values()) {
      reports.delete(reporter);
      ejectedBy.delete(reporter);
    }
  }

  /** Other servers are in force: nothing is logged about the removed ones. */
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

  /** An ejection takes a tenth of a second at least, so its lines need no limit. */
  #logEjection({ ejectedBy }: Server, reporter: unknown, report: ServerReport): void {
    const { upstream, address, ejected } = report;
    const name = { upstream, server: address };
    const before = ejectedBy.size;
    if (ejected === undefined) ejectedBy.delete(reporter);
    else ejectedBy.add(reporter);
    if (before === 0 && ejected !== undefined) {
      const { cause, until, times } = ejected;
      const seconds = Math.max(0, Math.round((until - this.#clock.wall()) / 100) / 10);
      this.#log.warn({ ...name, cause, seconds, times }, 'an upstream server is ejected');
    } else if (before > 0 && ejectedBy.size === 0) {
      this.#log.info(name, 'an upstream server is no longer ejected');
    }
  }

  #logChange(key: string, server: Server, last: ServerReport): void {
    const [first] = server.reports.values();
    const state = first === undefined ? 'up' : 'down';
    if (state === server.logged || server.timer !== undefined) return;
    const wait = server.loggedAt + LOG_EVERY_MS - this.#clock.monotonic();
    if (wait > 0) {
      server.timer = setTimeout(() => {
        server.timer = undefined;
        this.#logChange(key, server, last);
      }, wait);
      server.timer.unref();
      return;
    }
    server.logged = state;
    server.loggedAt = this.#clock.monotonic();
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

function newServer(): Server {
  return {
    reports: new Map(),
    logged: 'up',
    loggedAt: Number.NEGATIVE_INFINITY,
    downSince: 0,
    failed: 0,
    timer: undefined,
    ejectedBy: new Set(),
  };
}
