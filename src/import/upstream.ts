import { readDuration, writeDuration } from './duration.ts';
import { readExpression } from './expression.ts';
import { option, type Place, setting } from './proxy.ts';
import type { Report } from './report.ts';
import { readServers, type Server } from './server.ts';
import { written } from './words.ts';

/** An upstream of our configuration, as an object in the order of its keys. */
export type UpstreamPlan = Record<string, unknown> & { readonly servers: readonly PlannedServer[] };

/** A server and the comments at its line. */
export interface PlannedServer {
  readonly value: string | Record<string, unknown>;
  readonly above: readonly string[];
  readonly behind: string | undefined;
}

const HOUR = 3_600_000;
/** Attempts that our configuration allows. */
const MAX_ATTEMPTS = 5;
const CHECK_EVERY = 2000;

/** The upstream of a backend. */
export function planUpstream(backend: Place, report: Report): UpstreamPlan {
  const { lines } = backend;
  const servers = readServers(lines, report).filter((server, at, all) => {
    if (!server.isUsed) return false;
    const isSecond = all.findIndex(({ url, isUsed }) => isUsed && url === server.url) < at;
    if (isSecond)
      report.say(
        server.entry,
        'stands in the list already, and a server counts once; give that one more weight',
      );
    return !isSecond;
  });
  const plan: Record<string, unknown> = {
    servers: servers.map((server) =>
      planServer(
        server,
        servers.every(({ isBackup }) => isBackup),
      ),
    ),
  };
  const balance = planBalance(backend, servers.length, report);
  if (balance !== undefined) plan['balance'] = balance;
  const health = planHealth(backend, servers, report);
  if (health !== undefined) plan['health'] = health;
  const slow = servers.find(({ slowStart }) => slowStart !== undefined)?.slowStart;
  if (slow !== undefined) plan['slowStart'] = writeDuration(slow, 100, HOUR);
  const timeouts: Record<string, string> = {};
  const connect = durationOf(backend, report, 'timeout', 'connect');
  if (connect !== undefined) timeouts['connect'] = writeDuration(connect, 1, HOUR);
  const server = durationOf(backend, report, 'timeout', 'server');
  if (server !== undefined) {
    timeouts['response'] = writeDuration(server, 1, HOUR);
    timeouts['idle'] = timeouts['response'];
  }
  if (Object.keys(timeouts).length > 0) plan['timeouts'] = timeouts;
  const reuse = setting(lines, 'http-reuse');
  report.carry(...lines.filter(({ words }) => words[0] === 'http-reuse'));
  const close =
    option(lines, 'http-server-close') ?? option(lines, 'httpclose') ?? option(lines, 'forceclose');
  report.carry(close);
  if (reuse?.words[1] === 'never' || close !== undefined) plan['reuse'] = false;
  const retries = planRetries(backend, servers.length, report);
  if (retries !== undefined) plan['retries'] = retries;
  const tls = planTls(servers, report);
  if (tls !== undefined) plan['tls'] = tls;
  return plan as UpstreamPlan;
}

/** Servers of a backend that take requests while all is well. */
export function usedServers(backend: Place, report: Report): number {
  return readServers(backend.lines, report).filter(({ isUsed }) => isUsed).length;
}

function planServer(
  { url, weight, isBackup, connections, isH2, entry }: Server,
  areBackups: boolean,
): PlannedServer {
  const more = {
    ...(isH2 ? { protocol: 'h2' } : {}),
    ...(weight === 1 ? {} : { weight }),
    ...(isBackup && !areBackups ? { backup: true } : {}),
    ...(connections === undefined ? {} : { connections }),
  };
  const address = written(url);
  const value = Object.keys(more).length === 0 ? address : { url: address, ...more };
  return { value, above: entry.above, behind: entry.comment };
}

function planBalance({ lines }: Place, servers: number, report: Report): unknown {
  const line = setting(lines, 'balance');
  report.carry(...lines.filter((entry) => entry.words[0] === 'balance' && entry !== line));
  const words = line?.words[1] ?? 'roundrobin';
  const call = readExpression(words)?.[0];
  const isKnown = (value: unknown): unknown => {
    report.carry(line);
    return servers > 1 ? value : undefined;
  };
  switch (call?.name) {
    case 'roundrobin':
    case 'static-rr':
      return isKnown('round-robin');
    case 'leastconn':
    case 'random':
      return isKnown(undefined);
    case 'source':
      return isKnown({ hash: 'client', sticky: true });
    case 'req.hdr':
    case 'hdr':
      return isKnown({ hash: `header:${call.args[0] ?? ''}`, sticky: true });
    default:
      if (line !== undefined)
        report.say(line, 'requests go to the less loaded of two servers; see balance in docs/upstreams.md');
      return undefined;
  }
}

function planHealth({ lines }: Place, servers: readonly Server[], report: Report): unknown {
  const checked = servers.find(({ isChecked }) => isChecked);
  const httpchk = option(lines, 'httpchk');
  const mine = lines.filter(
    ({ words }) => words[0] === 'http-check' || (words[0] === 'timeout' && words[1] === 'check'),
  );
  report.carry(httpchk, ...mine);
  if (checked === undefined) return undefined;
  const interval = Math.min(Math.max(checked.interval ?? CHECK_EVERY, 100), HOUR);
  const health: Record<string, unknown> = {};
  if (httpchk !== undefined) {
    const [first, second] = httpchk.words.slice(2);
    let method = second === undefined ? 'OPTIONS' : (first ?? '');
    let path = (second ?? first ?? '/').split(/\s/)[0] ?? '/';
    let host = /\bhost:\s*(\S+)/i.exec(httpchk.words.slice(4).join(' '))?.[1];
    for (const { words } of mine) {
      const at = (name: string): string | undefined =>
        words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
      if (words[1] === 'send') {
        method = at('meth') ?? method;
        path = at('uri') ?? path;
        if (at('hdr')?.toLowerCase() === 'host') host = words[words.indexOf('hdr') + 2];
      }
      if (words[1] === 'expect') {
        const status = words[words.indexOf('status') + 1]?.split(',');
        const isList =
          words.includes('status') &&
          !words.includes('!') &&
          status?.every((text) => /^[1-5]\d\d(?:-[1-5]\d\d)?$/.test(text));
        if (isList) health['status'] = status?.map((text) => (text.includes('-') ? text : Number(text)));
        else
          report.say(lineOf(mine, words), 'a check succeeds by its status alone; list it in health.status');
      }
    }
    const target = /^\/[!-~]*$/.test(path) ? path : '/';
    Object.assign(health, {
      path: written(target),
      ...(host === undefined ? {} : { host: written(host) }),
      ...health,
    });
    if (method !== 'GET') report.say(httpchk, 'checks send GET; the service must answer that');
  }
  health['interval'] = writeDuration(interval, 100, HOUR);
  const timeout = setting(lines, 'timeout', 'check');
  const milliseconds = readDuration(timeout?.words[2]) ?? interval;
  if (Math.min(milliseconds, interval) !== 2000)
    health['timeout'] = writeDuration(Math.min(milliseconds, interval), 10, HOUR);
  if (checked.rise !== undefined && checked.rise !== 2) health['rise'] = checked.rise;
  if (checked.fall !== undefined && checked.fall !== 3) health['fall'] = checked.fall;
  return health;
}

function lineOf<E extends { readonly words: readonly string[] }>(
  entries: readonly E[],
  words: readonly string[],
): E {
  return entries.find((entry) => entry.words === words) as E;
}

/** Milliseconds of the last line of a keyword. */
export function durationOf(proxy: Place, report: Report, ...keywords: readonly string[]): number | undefined {
  const line = setting(proxy.lines, ...keywords);
  const value = readDuration(line?.words[keywords.length]);
  for (const entry of proxy.lines) {
    if (keywords.every((keyword, at) => entry.words[at] === keyword)) report.carry(entry);
  }
  if (line !== undefined && value === undefined)
    report.say(line, 'is not a time that can be read; set it by hand');
  return value;
}

function planRetries({ lines }: Place, servers: number, report: Report): unknown {
  const line = setting(lines, 'retries');
  const on = setting(lines, 'retry-on');
  report.carry(...lines.filter(({ words }) => words[0] === 'retries' || words[0] === 'retry-on'));
  report.carry(option(lines, 'redispatch'));
  if (servers < 2 || (line === undefined && on === undefined)) return undefined;
  const attempts = Number(line?.words[1] ?? 3);
  if (attempts > MAX_ATTEMPTS && line !== undefined)
    report.say(line, `at most ${MAX_ATTEMPTS} attempts at other servers are made`);
  const kinds = new Set<string>(['connect']);
  for (const word of on?.words.slice(1) ?? []) {
    if (word === 'empty-response' || word === 'junk-response' || word === 'all-retryable-errors')
      kinds.add('reset');
    if (word === '502' || word === '503' || word === '504' || word === 'all-retryable-errors')
      kinds.add('unavailable');
  }
  const value = Math.min(Number.isInteger(attempts) ? attempts : 3, MAX_ATTEMPTS);
  return { attempts: value, on: [...kinds] };
}

function planTls(servers: readonly Server[], report: Report): unknown {
  const secured = servers.filter(({ tls }) => tls !== undefined);
  const [first] = secured;
  if (first?.tls === undefined) return undefined;
  const rival = secured.find(({ tls }) => JSON.stringify(tls) !== JSON.stringify(first.tls));
  if (rival !== undefined)
    report.say(
      rival.entry,
      'all servers of an upstream share their tls; put this one into an upstream of its own',
    );
  const { ca, serverName, cert, isVerified } = first.tls;
  const tls = {
    ...(ca === undefined ? {} : { ca: written(ca) }),
    ...(serverName === undefined ? {} : { serverName: written(serverName) }),
    ...(cert === undefined ? {} : { cert: written(cert) }),
    ...(isVerified ? {} : { verify: 'none' }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}
