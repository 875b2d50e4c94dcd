import type { Arrival } from './cell.ts';
import type { Surroundings } from './condition.ts';
import type { Report } from './report.ts';
import type { Entry } from './sections.ts';
import { expanded, hasVariable, written } from './words.ts';

/** An address of a frontend. */
export interface Bind {
  readonly entry: Entry;
  /** As our configuration writes it. */
  readonly address: string;
  readonly arrival: Arrival;
  readonly tls: Record<string, unknown> | undefined;
  readonly protocols: readonly string[] | undefined;
  readonly takesProxyHeader: boolean;
}

/** Ports of a range such as 8000-8010. */
const MAX_RANGE = 64;

const FLAGS = new Set(
  'ssl accept-proxy accept-netscaler-cip defer-accept tfo transparent v4v6 v6only strict-sni no-sslv3 no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 no-tls-tickets generate-certificates prefer-client-ciphers allow-0rtt force-tlsv12 force-tlsv13 ssl-skip-self-issued-ca expose-fd crt-ignore-err'.split(
    ' ',
  ),
);

/** The addresses of `bind` lines. */
export function readBinds(
  lines: readonly Entry[],
  surroundings: Surroundings,
  report: Report,
): readonly Bind[] {
  return lines.flatMap((entry) => {
    if (entry.words[0] !== 'bind') return [];
    report.carry(entry);
    return readBind(entry, surroundings, report);
  });
}

function readBind(entry: Entry, surroundings: Surroundings, report: Report): readonly Bind[] {
  const [, addresses = '', ...words] = entry.words;
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (FLAGS.has(word)) flags.add(word);
    else {
      values.set(word, [...(values.get(word) ?? []), words[at + 1] ?? '']);
      at += 1;
    }
  }
  if (flags.has('accept-netscaler-cip')) {
    report.say(
      entry,
      'the NetScaler form of client addresses is not read, so the address is left out; let the balancer send the PROXY protocol',
    );
    return [];
  }
  if (flags.has('transparent'))
    report.say(entry, 'transparent has no counterpart; bind an address of this machine');
  const tls = flags.has('ssl') ? tlsOf(entry, values, flags, surroundings, report) : undefined;
  const alpn =
    values.get('alpn')?.[0] ?? (values.get('proto')?.[0] === 'h2' ? (tls ? 'h2' : 'h2c') : undefined);
  const spoken = alpn?.split(',').filter((name) => /^(?:h2c?|http\/1\.1)$/.test(name));
  const isUsual = tls !== undefined && (spoken === undefined ? false : spoken.join() === 'h2,http/1.1');
  // Without alpn HAProxy 2.x speaks HTTP/1.1 alone.
  const protocols = tls === undefined ? spoken : isUsual ? undefined : (spoken ?? ['http/1.1']);
  return addresses.split(',').flatMap((text) =>
    addressesOf(text).flatMap(({ address, port }): readonly Bind[] => {
      if (address === undefined) {
        report.say(entry, `${text} is of no kind that the gateway listens at; write the address by hand`);
        return [];
      }
      const known = port === undefined ? undefined : Number(expanded(port, surroundings.env) ?? Number.NaN);
      const arrival = { tls: tls !== undefined, port: Number.isInteger(known) ? known : undefined };
      return [{ entry, address, arrival, tls, protocols, takesProxyHeader: flags.has('accept-proxy') }];
    }),
  );
}

/** One text may stand for a range of ports. */
function addressesOf(text: string): readonly { address: string | undefined; port: string | undefined }[] {
  const unix = /^(?:unix@)?(\/[!-~]+)$/.exec(text)?.[1];
  if (unix !== undefined) return [{ address: `unix:${written(unix)}`, port: undefined }];
  const plain = text.replace(/^ipv([46])@/, '');
  const [, host = '', port] = /^(.*):([^:\]]+)$/.exec(plain) ?? [];
  if (port === undefined || host.includes('@')) return [{ address: undefined, port }];
  const isV6 = /^ipv6@/.test(text);
  const name =
    host === '' || host === '*'
      ? isV6
        ? '[::]'
        : '0.0.0.0'
      : /^\[|^[^:]*$/.test(host)
        ? host
        : `[${host === '::' ? '::' : host}]`;
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(port) ?? [];
  if (from !== undefined && to !== undefined) {
    const count = Number(to) - Number(from) + 1;
    if (count < 1 || count > MAX_RANGE) return [{ address: undefined, port }];
    return Array.from({ length: count }, (_, at) => ({
      address: `${written(name)}:${Number(from) + at}`,
      port: String(Number(from) + at),
    }));
  }
  if (!hasVariable(port) && !/^\d{1,5}$/.test(port)) return [{ address: undefined, port }];
  return [{ address: `${written(name)}:${written(port)}`, port }];
}

function tlsOf(
  entry: Entry,
  values: ReadonlyMap<string, readonly string[]>,
  flags: ReadonlySet<string>,
  surroundings: Surroundings,
  report: Report,
): Record<string, unknown> {
  const files = (values.get('crt') ?? []).flatMap((path) =>
    certificatesOf(path, entry, surroundings, report),
  );
  for (const list of values.get('crt-list') ?? []) files.push(...listed(list, entry, surroundings, report));
  const tls: Record<string, unknown> = { certificates: files.length === 1 ? files[0] : files };
  const oldest = values.get('ssl-min-ver')?.[0];
  if (oldest === 'TLSv1.3' || flags.has('force-tlsv13')) tls['minVersion'] = 'TLSv1.3';
  else if (oldest !== undefined && oldest !== 'TLSv1.2')
    report.say(entry, 'TLS 1.2 is the oldest version that is spoken');
  const ciphers = values.get('ciphers')?.[0];
  if (ciphers !== undefined) tls['ciphers'] = written(ciphers);
  if (flags.has('strict-sni')) tls['unknownName'] = 'refuse';
  const verify = values.get('verify')?.[0];
  const ca = values.get('ca-file')?.[0];
  if (verify === 'required' || verify === 'optional') {
    const crl = values.get('crl-file')?.[0];
    tls['clientCertificates'] = {
      ca: written(ca ?? ''),
      ...(verify === 'optional' ? { mode: 'optional' } : {}),
      ...(crl === undefined ? {} : { crl: written(crl) }),
    };
  }
  return tls;
}

/** The certificates of `crt`: a file, or all in a folder. */
function certificatesOf(
  path: string,
  entry: Entry,
  surroundings: Surroundings,
  report: Report,
): readonly string[] {
  const known = expanded(path, surroundings.env);
  const names = known === undefined ? undefined : surroundings.list(known);
  if (names === undefined) {
    if (path.endsWith('/')) report.say(entry, `${written(path)} cannot be read here; list its certificates`);
    return [written(path)];
  }
  const kept = names.filter(
    (name) => !/\.(?:issuer|ocsp|sctl|dh|key|rsa|ecdsa|dsa)$/.test(name) && !name.startsWith('.'),
  );
  return kept.sort().map((name) => `${written(path.replace(/\/$/, ''))}/${name}`);
}

function listed(path: string, entry: Entry, surroundings: Surroundings, report: Report): readonly string[] {
  const known = expanded(path, surroundings.env);
  const text = known === undefined ? undefined : surroundings.read(known);
  if (text === undefined) {
    report.say(entry, `${written(path)} cannot be read here; list its certificates`);
    return [];
  }
  return text.split(/\r?\n/).flatMap((line) => {
    const [file = '', ...more] = line.trim().split(/\s+/);
    if (file === '' || file.startsWith('#')) return [];
    if (more.length > 0)
      report.say(
        entry,
        `certificates are chosen by the names in them; ${file} has options or names of its own there`,
      );
    return [file];
  });
}
