import { connect } from 'node:net';
import { join } from 'node:path';
import type { Gateway, RunningGateway } from '../gateways/gateway.ts';
import { haproxyWithoutRules } from '../gateways/haproxy.ts';
import { portcullisWith } from '../gateways/portcullis.ts';
import { send } from '../probe.ts';
import { SERVER_NAME } from './certificates.ts';
import { CHECK_PATH } from './messages.ts';
import { TTL_S } from './names.ts';
import type { ServerPlace } from './servers.ts';

/** The name whose addresses are the servers. */
export const HOST_NAME = 'app.faults.test';
/** Where its DNS server listens: resolv.conf(5) knows no other port. */
export const NAME_SERVER = { host: '127.0.0.77', port: 53 } as const;

/** The servers of a gateway, and how to reach them. */
export interface Surroundings {
  readonly places: readonly ServerPlace[];
  /** File of the authority that has signed their certificates, if they speak TLS. */
  readonly authority?: string | undefined;
  /** A resolv.conf(5) file, if they are the addresses of `HOST_NAME`. */
  readonly resolvConf?: string | undefined;
  /** An empty folder for sockets. */
  readonly directory: string;
}

export interface FaultGateway {
  readonly gateway: Gateway;
  /** Attempts at servers that failed, as it has counted them so far. */
  failures(running: RunningGateway): Promise<number>;
}

// What both gateways are told, as an operator would: three failed checks would be usual, and two make the trial shorter.

/** Milliseconds from one check to the next, and for each of them. */
export const INTERVAL_MS = 1_000;
const CHECK_TIMEOUT_MS = 250;
export const FALL = 2;
const RISE = 2;
const FAILURES = 5;
const CONNECT_S = 5;
const RESPONSE_S = 3;
const SLOW_START_S = 5;
const WITHIN_NAMESPACE = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'; // In a mount namespace of its own.

export function portcullisOver({ places, authority, resolvConf }: Surroundings): FaultGateway {
  const [first] = places as [ServerPlace];
  const scheme = authority === undefined ? 'http' : 'https';
  const servers =
    resolvConf === undefined
      ? places.map(({ host, port }) => `${scheme}://${host}:${port}`)
      : [`http://${HOST_NAME}:${first.port}`];
  const upstream = [
    'balance: least-connections',
    `health: { path: ${CHECK_PATH}, interval: ${INTERVAL_MS}ms, timeout: ${CHECK_TIMEOUT_MS}ms, rise: ${RISE}, fall: ${FALL} }`,
    `outliers: { failures: ${FAILURES} }`,
    'retries: { attempts: 1, on: [connect, reset, unavailable] }',
    `slowStart: ${SLOW_START_S}s`,
    `timeouts: { connect: ${CONNECT_S}s, response: ${RESPONSE_S}s }`,
    ...(authority === undefined ? [] : [`tls: { ca: ${authority}, serverName: ${SERVER_NAME} }`]),
  ].join(', ');
  return {
    gateway: portcullisWith('portcullis', 'portcullis', {
      lines: 'listeners: 1\n',
      servers,
      upstream,
      ...(resolvConf === undefined
        ? {}
        : { within: ['unshare', '--mount', 'sh', '-c', WITHIN_NAMESPACE, resolvConf] }),
    }),
    async failures({ adminPort }) {
      const { body } = await send(adminPort as number, { path: '/metrics' });
      const counts = body.matchAll(/^portcullis_upstream_failures_total\{[^}]*\} (\d+)$/gm);
      return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
    },
  };
}

export function haproxyOver({ places, authority, resolvConf, directory }: Surroundings): FaultGateway {
  const [first] = places as [ServerPlace];
  const socket = join(directory, 'haproxy.sock');
  const check = `check inter ${INTERVAL_MS}ms rise ${RISE} fall ${FALL} observe layer7 error-limit ${FAILURES} on-error mark-down slowstart ${SLOW_START_S}s`;
  const tls =
    authority === undefined
      ? ''
      : ` ssl verify required ca-file ${authority} sni str(${SERVER_NAME}) check-sni ${SERVER_NAME} verifyhost ${SERVER_NAME}`;
  const servers =
    resolvConf === undefined
      ? places.map(({ number, host, port }) => `server app-${number} ${host}:${port} ${check}${tls}`)
      : [
          `server-template app- ${places.length} ${HOST_NAME}:${first.port} ${check} resolvers dns init-addr none`,
        ];
  const backend = [
    '',
    'balance leastconn',
    `timeout connect ${CONNECT_S}s`,
    `timeout server ${RESPONSE_S}s`,
    `timeout check ${CHECK_TIMEOUT_MS}ms`,
    'retries 1',
    'option redispatch 1',
    'retry-on conn-failure empty-response 502 503 504',
    'http-request disable-l7-retry unless METH_GET',
    `option httpchk GET ${CHECK_PATH}`,
    'http-check expect status 200-399',
    ...servers,
  ].join('\n  ');
  const { host, port } = NAME_SERVER;
  const resolvers =
    resolvConf === undefined
      ? ''
      : `resolvers dns\n  nameserver trial ${host}:${port}\n  hold valid ${TTL_S}s\n  hold obsolete 0s\n`;
  return {
    gateway: haproxyWithoutRules(
      { name: 'haproxy', description: 'HAProxy, one thread, no rules' },
      { ports: [], backend, global: `stats socket ${socket} mode 600 level admin`, sections: resolvers },
    ),
    failures: () => failuresOf(socket),
  };
}

/** Connections and responses of servers that failed, and retries, by HAProxy's "show stat". */
function failuresOf(socket: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(socket)
      .setEncoding('latin1')
      .on('error', reject)
      .on('data', (chunk: string) => {
        text += chunk;
      })
      .on('end', () => {
        const [names = [], ...rows] = text
          .replace(/^# /, '')
          .trim()
          .split('\n')
          .map((line) => line.split(','));
        const columns = ['econ', 'eresp', 'wretr'].map((name) => names.indexOf(name));
        const server = names.indexOf('svname');
        const counts = rows
          .filter((row) => row[server]?.startsWith('app-'))
          .flatMap((row) => columns.map((column) => Number(row[column])));
        resolve(counts.reduce((sum, count) => sum + count, 0));
      })
      .end('show stat\n');
  });
}
