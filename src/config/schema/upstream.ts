import type * as z from 'zod';
import {
  count,
  duration,
  editorRule,
  either,
  flag,
  list,
  oneOf,
  pattern,
  section,
  share,
  text,
} from './fields.ts';
import { health, resolve } from './health.ts';
import { certHint, keyHint, material, passphraseHint } from './tls.ts';

const HOUR = 60 * 60_000;

const URL_OF_SERVER = 'a URL such as http://127.0.0.1:9000, or unix:/path';

const url = text(URL_OF_SERVER).meta(
  editorRule({ pattern: '^([hH][tT][tT][pP][sS]?://[^/?#@\\\\\\s]+/?|unix:.+)$' }, ['http://127.0.0.1:9000']),
);

/** A server with more than its URL. */
const serverObject = section({
  url: url.describe('`http://host:port`, `https://host:port`, or `unix:/path`.').optional(),
  protocol: oneOf(['http/1.1', 'h2'])
    .prefault('http/1.1')
    .describe(
      '`h2`: requests go to it by HTTP/2: with `https` by ALPN, without TLS by prior knowledge (h2c). gRPC needs it.',
    ),
  weight: count(1, 256)
    .prefault(1)
    .describe('Its part of the requests, relative to the weights of the other servers.'),
  backup: flag()
    .prefault(false)
    .describe('With `true` it gets requests only while no other server of the upstream can take any.'),
  connections: count(1, 65_535)
    .describe(
      'Connections to it at one time, of all listeners together. Without this key the limit is that of the upstream.',
    )
    .optional(),
}).meta({ required: ['url'] });

const server = either([url, serverObject], 'the URL of a server, or a mapping with url');

/** TLS to the https servers of one upstream. */
const serverTls = section({
  ca: material(certHint)
    .describe(
      'The authorities that sign certificates of the servers, PEM. Without this key they are those of the system.',
    )
    .optional(),
  serverName: text('a host name or an IP address')
    .describe(
      'The host that certificates of the servers must name, and that is asked for (SNI). Without this key it is the host in the URL.',
    )
    .optional(),
  cert: material(certHint)
    .describe(
      'The certificate that the gateway shows to servers, with its chain. The file may hold the key too.',
    )
    .optional(),
  key: material(keyHint).describe('The private key, where it is not in the file of `cert`.').optional(),
  passphrase: material(passphraseHint).describe('The passphrase of an encrypted key.').optional(),
  verify: oneOf(['required', 'none'])
    .prefault('required')
    .describe(
      '`none`: certificates of servers are not checked, so anyone between the gateway and a server can read and change everything.',
    ),
});

/** Servers of one upstream at most: each choice among them reads as many weights at worst. */
const MAX_SERVERS = 256;

const HASH = 'client, "claim:sub" or "header:X-Shard"';
const BALANCE = `least-connections, round-robin, or { hash: ${HASH} }`;

/** How the server of a request is chosen. Resolving checks the names. */
const balance = either(
  [
    oneOf(['least-connections', 'round-robin']),
    section({
      hash: pattern(HASH, /^(?:client|(?:claim|header):.*)$/)
        .describe(
          '`client`: the address of the client. `claim:NAME`: a claim of the token, in which dots reach into objects. `header:NAME`: a header of the request.',
        )
        .optional(),
      sticky: flag()
        .prefault(false)
        .describe(
          'Whether a value stays with its server also where that has more than 1.25 times its share, for sessions that are in the memory of one server.',
        ),
    }).meta({ required: ['hash'] }),
  ],
  BALANCE,
);

/** Attempts at a request beside the first one, at most: more would wait longer than clients do. */
const MAX_RETRIES = 5;

const retries = section({
  attempts: count(0, MAX_RETRIES).prefault(1).describe('Attempts at other servers, beside the first one.'),
  budget: share()
    .prefault('20%')
    .describe(
      'The share of the requests under way that may be such attempts; three always may, and all after a refused connection.',
    ),
  on: list(oneOf(['connect', 'reset', 'unavailable']), 'a list of connect, reset and unavailable', 3)
    .prefault(['connect', 'reset'])
    .describe(
      '`connect`: no connection was made. `reset`: the connection ended before the response. `unavailable`: the response has the status 502, 503 or 504.',
    ),
});

/** A failure in a row more than this would hardly be in a row. */
const MAX_FAILURES = 1_000;

const outliers = section({
  failures: count(1, MAX_FAILURES)
    .prefault(5)
    .describe(
      'Attempts in a row that fail: no connection, no response, a wrong one, or one with the status 502, 503 or 504.',
    ),
  ejection: duration(100, HOUR)
    .prefault('10s')
    .describe('How long the server gets no requests; the second time in a row twice as long, up to 5m.'),
  most: share()
    .prefault('50%')
    .describe(
      'The share of the servers that may be ejected at one time, rounded down: a single server never is.',
    ),
});

/** A service behind the gateway. */
export const upstream = section({
  servers: list(server, 'a list of URLs such as [http://127.0.0.1:9000]', MAX_SERVERS)
    .describe(
      'Its servers, each as `http://host:port`, `https://host:port` or `unix:/path`, or as a mapping that says more.',
    )
    .optional(),
  balance: balance
    .prefault('least-connections')
    .describe(
      'How the server of a request is chosen. `least-connections`: the less loaded of two random ones. `round-robin`: each in turn. `hash`: requests with the same value go to the same server, unless it has 1.25 times its share. With `sticky` they go there all the same.',
    ),
  timeouts: section({
    connect: duration(1, HOUR)
      .prefault('5s')
      .describe('For a connection to be made, and for one to become free.'),
    response: duration(1, HOUR).prefault('60s').describe('From the request to the head of the response.'),
    idle: duration(1, HOUR)
      .prefault('60s')
      .describe(
        'Between two pieces of a body. Event streams may be silent for `timeouts.tunnel`, if that is longer.',
      ),
    keepAlive: duration(1, HOUR)
      .describe(
        'How long an unused connection is kept. Without this key it is `idle`. It is never longer than `Keep-Alive: timeout` of the server, less a second.',
      )
      .optional(),
  })
    .prefault({})
    .describe('Time-outs of this upstream.'),
  limits: section({
    connections: count(1, 65_535)
      .prefault(256)
      .describe('Connections at one time, of all listeners together.'),
    waiting: count(0, 1_000_000).prefault(1024).describe('Requests that wait for a connection.'),
  })
    .prefault({})
    .describe('Limits of this upstream.'),
  resolve: resolve
    .prefault('30s')
    .describe(
      'How often the names of servers are looked up again, sooner where their TTL is shorter. Every address of a name is a server. With `none` names are looked up once.',
    ),
  health: health
    .describe('Checks of the servers. Without this key only requests find out whether a server works.')
    .optional(),
  outliers: outliers
    .describe(
      'Failures in a row keep requests away from a server for a time. Without this key they do not. `{}` means the defaults.',
    )
    .optional(),
  slowStart: duration(100, HOUR)
    .describe(
      'The time in which a server that comes back gets more and more requests, from a tenth of its part. Without this key it gets its whole part at once.',
    )
    .optional(),
  reuse: flag()
    .prefault(true)
    .describe('With `false` each request has a connection of its own, which is closed after it.'),
  tls: serverTls.describe('TLS to its https servers.').optional(),
  pipelining: count(1, 64)
    .prefault(1)
    .describe(
      'Requests on one connection at a time. Above 1, requests that have no body and may be repeated share a connection.',
    ),
  retries: retries
    .prefault({})
    .describe('When a request is sent again to another server. Only requests that do no harm twice are.'),
}).meta({ required: ['servers'] });

export type FileUpstream = z.output<typeof upstream>;
export type FileServer = z.output<typeof server>;
export type FileBalance = z.output<typeof balance>;
