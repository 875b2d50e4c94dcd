import { readDuration } from './duration.ts';
import type { Report } from './report.ts';
import type { Entry } from './sections.ts';
import { hasVariable } from './words.ts';

/** One server of a backend. */
export interface Server {
  readonly entry: Entry;
  readonly url: string;
  readonly weight: number;
  readonly isBackup: boolean;
  readonly connections: number | undefined;
  readonly isH2: boolean;
  readonly isChecked: boolean;
  readonly interval: number | undefined;
  readonly rise: number | undefined;
  readonly fall: number | undefined;
  readonly slowStart: number | undefined;
  readonly tls: ServerTls | undefined;
  /** Neither disabled nor of weight 0, and with an address that can be written. */
  readonly isUsed: boolean;
}

export interface ServerTls {
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly cert: string | undefined;
  readonly isVerified: boolean;
}

/** Words of a server line that take no value. */
const FLAGS = new Set(
  'check backup ssl disabled enabled send-proxy send-proxy-v2 check-ssl check-send-proxy no-check no-ssl no-backup tfo stick non-stick no-tls-tickets no-sslv3 no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 force-tlsv12 force-tlsv13 allow-0rtt no-ssl-reuse agent-check send-proxy-v2-ssl send-proxy-v2-ssl-cn ssl-reuse tls-tickets no-send-proxy no-send-proxy-v2 check-via-socks4'.split(
    ' ',
  ),
);

const QUIET = new Set(
  'cookie id init-addr resolvers resolve-prefer resolve-net resolve-opts check-sni check-alpn alpn proto port addr ssl-min-ver ssl-max-ver maxqueue pool-max-conn pool-purge-delay pool-low-conn on-marked-down on-marked-up observe error-limit on-error downinter fastinter ws log-proto'.split(
    ' ',
  ),
);

/** The servers of a backend, those that are never used too. */
export function readServers(lines: readonly Entry[], report: Report): readonly Server[] {
  const servers: Server[] = [];
  let usual: readonly string[] = [];
  for (const entry of lines) {
    const [keyword, , ...rest] = entry.words;
    if (keyword === 'default-server') {
      usual = [...usual, ...entry.words.slice(1)];
      report.carry(entry);
    } else if (keyword === 'server' || keyword === 'server-template') {
      const [address = '', ...words] = keyword === 'server' ? rest : rest.slice(1);
      if (keyword === 'server-template' && servers.some(({ url }) => url.endsWith(address))) continue;
      servers.push(readServer(entry, address, [...usual, ...words], report));
      report.carry(entry);
    }
  }
  return servers;
}

function readServer(entry: Entry, address: string, words: readonly string[], report: Report): Server {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (FLAGS.has(word)) {
      if (word.startsWith('no-')) flags.delete(word.slice(3));
      else flags.add(word);
      if (word === 'enabled') flags.delete('disabled');
    } else {
      values.set(word, words[at + 1] ?? '');
      at += 1;
    }
  }
  for (const name of ['send-proxy', 'send-proxy-v2']) {
    if (flags.has(name))
      report.say(entry, `${name}: the gateway sends no PROXY header; let the server read X-Forwarded-For`);
  }
  if (values.has('cookie'))
    report.say(
      entry,
      'no cookie keeps a client with its server; balance: { hash: client, sticky: true } does',
    );
  if (flags.has('agent-check')) report.say(entry, 'agents are not asked; give health a path');
  const known = [
    'weight',
    'maxconn',
    'inter',
    'rise',
    'fall',
    'slowstart',
    'verify',
    'ca-file',
    'crt',
    'sni',
    'verifyhost',
  ];
  for (const name of values.keys()) {
    if (!known.includes(name) && !QUIET.has(name))
      report.say(entry, `${name} has no counterpart; look at the keys of upstreams`);
  }
  const isTls = flags.has('ssl');
  const url = urlOf(address, isTls);
  const weight = Number(values.get('weight') ?? 1);
  const isOff = weight === 0 || flags.has('disabled');
  if (isOff)
    report.say(
      entry,
      'gets no requests in HAProxy, so it is left out; add it, and take it out by hand at the admin address',
    );
  else if (url === undefined)
    report.say(
      entry,
      `${address} has no port or is of no kind that the gateway knows; write the server by hand`,
    );
  const connections = Number(values.get('maxconn') ?? 0);
  const number = (name: string): number | undefined => {
    const value = Number(values.get(name) ?? Number.NaN);
    return Number.isInteger(value) && value > 0 && value <= 100 ? value : undefined;
  };
  return {
    entry,
    url: url ?? '',
    weight: Number.isInteger(weight) && weight >= 1 && weight <= 256 ? weight : 1,
    isBackup: flags.has('backup'),
    connections: connections > 0 && connections <= 65_535 ? connections : undefined,
    isH2: values.get('proto') === 'h2' || /(?:^|,)h2/.test(values.get('alpn') ?? ''),
    isChecked: flags.has('check'),
    interval: readDuration(values.get('inter')),
    rise: number('rise'),
    fall: number('fall'),
    slowStart: readDuration(values.get('slowstart')),
    tls: isTls ? tlsOf(values, report, entry) : undefined,
    isUsed: !isOff && url !== undefined,
  };
}

function tlsOf(values: ReadonlyMap<string, string>, report: Report, entry: Entry): ServerTls {
  const sni = /^str\(([^)]*)\)$/.exec(values.get('sni') ?? '')?.[1];
  const ca = values.get('ca-file');
  if (values.has('sni') && sni === undefined)
    report.say(entry, 'servers are asked for one name, tls.serverName; name it');
  return {
    ca: ca === '@system-ca' ? undefined : ca,
    serverName: values.get('verifyhost') ?? sni,
    cert: values.get('crt'),
    isVerified: values.get('verify') !== 'none',
  };
}

/** The URL of a server's address; undefined without a port, or for other kinds of addresses. */
function urlOf(address: string, isTls: boolean): string | undefined {
  const unix = /^(?:unix@)?(\/[!-~]+)$/.exec(address)?.[1];
  if (unix !== undefined) return `unix:${unix}`;
  const plain = address.replace(/^ipv[46]@/, '');
  const [, host, port] = /^(.*):([^:\]]+)$/.exec(plain) ?? [];
  if (host === undefined || port === undefined || host === '' || host.includes('@')) return undefined;
  if (!hasVariable(port) && !/^[1-9]\d{0,4}$/.test(port)) return undefined;
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${isTls ? 'https' : 'http'}://${name}:${port}`;
}
