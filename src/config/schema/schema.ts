import * as z from 'zod';
import { algorithms } from '../../keys/algorithms.ts';
import { admin } from './admin.ts';
import { cors } from './cors.ts';
import { uws } from './engine.ts';
import {
  claim,
  count,
  duration,
  editorRule,
  either,
  flag,
  later,
  list,
  must,
  NOT_YET,
  named,
  oneOf,
  oneOrMany,
  optionalList,
  pattern,
  rate,
  section,
  size,
  text,
  trafficAddress,
} from './fields.ts';
import { forwardSection, tokenField } from './forward.ts';
import { keys } from './keys.ts';
import { audienceField, requireSection, tokenTypesField } from './require.ts';
import { revocation } from './revocation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const NONE = 'none';
/** Routes; more do not fit into the largest file. */
const MAX_ROUTES = 10_000;

const issuer = section({
  issuer: text('the exact iss claim, or any')
    .describe('Must equal the `iss` claim exactly. `any` switches this check off, with a warning.')
    .optional(),
  audience: audienceField
    .describe(
      '`aud` must have one of these, or with `{ all: [...] }` each of them. `any` switches this check off, with a warning.',
    )
    .optional(),
  expiry: oneOf(['required', 'optional'])
    .prefault('required')
    .describe(
      'Whether a token must have `exp`. With `optional`, tokens without it are accepted for ever, with a warning.',
    ),
  algorithms: list(
    text('the name of an algorithm such as RS256').meta(
      editorRule({ enum: [...algorithms.keys()] }, ['RS256', 'ES256']),
    ),
    'a list of algorithms such as [RS256]',
  )
    .describe('The only signature algorithms that are accepted. The token never chooses.')
    .optional(),
  keys: keys
    .describe(
      'One source of keys, with exactly one of `pem`, `jwks`, `discovery` and `secret`. Or a list of up to 8 sources, each with its `algorithms`.',
    )
    .optional(),
  clockTolerance: duration(0, 10 * MINUTE)
    .prefault('0s')
    .describe('How far clocks may differ, for `exp` and `nbf`.'),
  require: optionalList(
    claim('the name of a claim, or a list of the names on the way to it'),
    'a list of claim names such as [sub, email]',
  )
    .prefault([])
    .describe('Claims that must be present. A dot is a letter here; a list of names reaches into objects.'),
  maxAge: duration(1, 8760 * HOUR)
    .describe('Longest time since `iat`. With this key a token must have `iat`.')
    .optional(),
  tokenTypes: tokenTypesField
    .describe(
      'Values of `typ` in the header that are accepted; the word `absent` accepts a token without `typ`. Without this key every value is accepted.',
    )
    .optional(),
  rejectIdTokens: flag().prefault(false).describe('Whether a token that looks like an ID token is refused.'),
  rolesClaim: claim('the name of a claim such as roles or realm_access.roles')
    .prefault('roles')
    .describe(
      "Claim in which the issuer's tokens have their roles. Dots reach into objects, and so do lists of names.",
    ),
}).meta({ required: ['issuer', 'audience', 'algorithms', 'keys'] });

const upstream = section({
  servers: list(
    text('a URL such as http://127.0.0.1:9000').meta(
      editorRule({ pattern: '^[hH][tT][tT][pP][sS]?://[^/?#@\\\\\\s]+/?$' }, ['http://127.0.0.1:9000']),
    ),
    'a list of URLs such as [http://127.0.0.1:9000]',
  )
    .describe('`http://host:port`; one server for now.')
    .optional(),
  timeouts: section({
    connect: duration(1, HOUR)
      .prefault('5s')
      .describe('For a connection to be made, and for one to become free.'),
    response: duration(1, HOUR).prefault('60s').describe('From the request to the head of the response.'),
    idle: duration(1, HOUR).prefault('60s').describe('Between two pieces of a body.'),
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
  reuse: flag()
    .prefault(true)
    .describe('With `false` each request has a connection of its own, which is closed after it.'),
  pipelining: count(1, 64)
    .prefault(1)
    .describe(
      'Requests on one connection at a time. Above 1, requests that have no body and may be repeated share a connection.',
    ),
}).meta({ required: ['servers'] });

const pathHint = 'a path such as /orders';
const plainPath = text(pathHint).meta(
  editorRule({ pattern: '^/[^*(){}<>|^?#;"[\\]\\\\\\s]*$' }, ['/', '/orders']),
);
const routePath = either(
  [plainPath, section({ literal: text(pathHint) })],
  `${pathHint}, or { literal: "/a*" }`,
);

const route = section({
  match: section({
    host: text('a host name such as api.example.com')
      .optional()
      .describe('Host of the request, without port. `*.example.com` covers every name below `example.com`.'),
    path: routePath
      .prefault('/')
      .describe(
        'A path prefix on segment borders: `/orders` covers `/orders` and all below it. There are no patterns. `{ literal: "/a*" }` takes each character for itself.',
      ),
    methods: list(
      pattern('a method in capitals such as GET', /^[A-Z][A-Z-]{0,31}$/),
      'a list of methods such as [GET, POST]',
    )
      .describe('Methods. Without this key every method matches.')
      .optional(),
  })
    .describe('Requests that the route takes.')
    .optional(),
  auth: oneOrMany(text('the name of an issuer, or none'), 'the name of an issuer, a list of them, or none')
    .describe(
      'Issuers whose tokens are accepted. Without this key it is the only issuer of the file, if there is exactly one.',
    )
    .optional(),
  upstream: text('the name of an upstream, or a URL such as http://127.0.0.1:9000')
    .describe('Name of an upstream, or the URL of a server.')
    .optional(),
  forward: forwardSection.prefault({}).describe('What upstream gets to know about the token and the client.'),
  token: tokenField
    .describe('Places where the token may stand. Without this key it is `Authorization: Bearer`.')
    .optional(),
  require: requireSection.describe('What a token must have beyond being valid.').optional(),
  cors: cors.describe('Preflight requests of browsers.').optional(),
  paths: oneOf(['strict', 'plain'])
    .optional()
    .describe(
      'strict by default. `strict`: a request is refused when another reading of its path leads to a route that is guarded differently. `plain`: the path counts as it was sent. Use it only if upstream is known to compare paths as they are sent.',
    ),
  connectionAuth: oneOf(['refuse', 'pass'])
    .describe(
      'refuse by default. What happens to requests with `Authorization: NTLM` or `Negotiate`, which authenticate a connection. `refuse`: 403. `pass`: each goes on a connection of its own, which is closed after the response.',
    )
    .optional(),
}).meta({ required: ['match', 'upstream'] });

const accessLogHint = 'off, errors, all, or a rate above 0% and up to 100%, such as 1% or 0.1%';
const accessLog = pattern(accessLogHint, /^(off|errors|all|\d{1,3}(\.\d{1,6})?%)$/)
  .transform((value): 'off' | 'errors' | number => {
    if (value === 'off' || value === 'errors') return value;
    return value === 'all' ? 1 : Number.parseFloat(value) / 100;
  })
  .refine((value) => typeof value === 'string' || (value > 0 && value <= 1), {
    error: `is out of range; must be ${accessLogHint}`,
  });

const listenObject = later(
  section({ address: trafficAddress(), tls: z.looseObject({}, { error: must('a mapping') }).optional() }),
  () => false,
  `with TLS ${NOT_YET.replace('left out', 'an address such as 0.0.0.0:8080')}`,
).unwrap();
const listenOne = either([trafficAddress(), listenObject], 'an address such as 0.0.0.0:8080');

/** The whole file of the documentation, with the keys that this version still refuses. */
export const schema = section({
  listen: either(
    [trafficAddress(), list(listenOne, 'a list of addresses'), listenObject],
    'an address such as 0.0.0.0:8080, or a list of them',
  )
    .describe(
      'Addresses that take traffic: `host:port`, or `unix:/path` for a unix socket. A relative path starts at the folder of this file.',
    )
    .optional(),
  admin: admin.describe('Address of health, metrics and status. It must not be an address of `listen`.'),
  listeners: either([z.literal('auto'), count(1, 64)], 'auto or a whole number from 1 to 64')
    .prefault('auto')
    .describe(
      'Processes that share the addresses of `listen`. `auto`: one for each core, as far as the limits can be divided. Only the command `start` uses this key.',
    ),
  verifiers: either([z.literal('auto'), count(0, 64)], 'auto or a whole number from 0 to 64')
    .prefault('auto')
    .describe(
      'Verification threads of each listener. `auto`: one less than its cores, at most 8. With 0, as on one core, a listener verifies without threads.',
    ),
  issuers: named(issuer, 'issuers').prefault({}).describe('Who signs tokens. You choose the names.'),
  upstreams: named(upstream, 'upstreams')
    .prefault({})
    .describe('Services behind the gateway. You choose the names.'),
  routes: list(route, 'a list of routes', MAX_ROUTES)
    .describe('Which requests go where. The most specific match wins: host, then longest path, then method.')
    .optional(),
  upstream: text('the name of an upstream, or a URL such as http://127.0.0.1:9000')
    .describe('Short form for a single route: its upstream.')
    .optional(),
  auth: oneOrMany(text('the name of an issuer, or none'), 'the name of an issuer, a list of them, or none')
    .describe('Short form for a single route: its issuers.')
    .optional(),
  rejection: oneOf(['rfc6750', 'haproxy'])
    .prefault('rfc6750')
    .describe("Form of refusals. `haproxy` is for clients of FusionAuth's HAProxy walk-through."),
  realm: pattern('1 to 128 printable ASCII characters without " and \\', /^[ !#-[\]-~]{1,128}$/)
    .prefault('portcullis')
    .describe('Realm of the Bearer challenge.'),
  cache: section({
    entries: count(1, 10_000_000).prefault(100_000).describe('Verified tokens that each listener remembers.'),
    bytes: size(MIB, 64 * GIB)
      .prefault('256MiB')
      .describe('Memory for them, in each listener.'),
  })
    .prefault({})
    .describe('Cache of verified tokens.'),
  trustedProxies: z
    .array(text('an address, a network such as 10.0.0.0/8, or unix'), {
      error: must('a list of networks such as [10.0.0.0/8]'),
    })
    .meta({ title: 'a list of addresses, networks such as 10.0.0.0/8, and the word unix' })
    .prefault([])
    .describe(
      'Peers whose `X-Forwarded-*` fields are believed: addresses, networks, and `unix` for all clients of unix sockets.',
    ),
  limits: section({
    requestHead: size(4 * KIB, 256 * KIB)
      .prefault('16KiB')
      .describe('Request line and headers.'),
    requestBody: either([z.literal('unlimited'), size(0, 1024 * GIB)], 'unlimited, or a size such as 10MiB')
      .prefault('unlimited')
      .describe('Body of a request.'),
    responseHead: size(4 * KIB, MIB)
      .prefault('64KiB')
      .describe('Status line and headers of a response.'),
    bufferedBodies: size(MIB, 1024 * GIB)
      .prefault('256MiB')
      .describe(
        'Bytes of all request bodies that wait for upstreams slower than their clients. Beyond this the request gets `upstream_overloaded`. A client that is asked to pause may still deliver the megabytes that the kernel has received for it.',
      ),
    connections: count(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'Client connections at one time, for all addresses of `listen` together. One more is closed at once. Each takes a file descriptor, and memory for socket buffers while its client is slow. Keep it below the limit of open files less the connections to upstream.',
      ),
    requestsPerConnection: either(
      [z.literal(NONE), count(1, 1_000_000_000)],
      'none, or a whole number such as 1000',
    )
      .prefault(NONE)
      .describe(
        'Requests on one client connection, on average. Each answer asks the client to leave with a probability of one in this many, because the engine does not say which connection a request came on. This spreads clients over several gateways behind a balancer.',
      ),
  })
    .prefault({})
    .describe('Limits of the whole gateway.'),
  timeouts: section({
    request: either([z.literal(NONE), duration(1, 24 * HOUR)], 'none, or a duration such as 60s')
      .prefault(NONE)
      .describe(
        'From the head of a request to the last byte of its answer. Beyond this it is `request_timeout` where the client owes body bytes, `upstream_timeout` where upstream owes the response, and a cut connection once the answer has begun. The default is `none`, because long downloads and streams are legitimate and silence has time-outs of its own.',
      ),
    bodyMinRate: either([z.literal(NONE), rate(1, GIB)], 'none, or a rate such as 1KiB/s')
      .prefault('1KiB/s')
      .describe(
        'Rate that a request body must keep on average over 10 s. Time in which the gateway asked for a pause does not count. A slower body gets `request_timeout`. The default is slower than any link in use, and still bounds clients that hold a connection by trickling. With `none` only 8 to 12 s without a byte end a body.',
      ),
  })
    .prefault({})
    .describe('Time-outs for requests of clients.'),
  chunkedRequests: oneOf(['allow', 'reject'])
    .prefault('allow')
    .describe('Whether chunked requests are accepted. `reject` answers them with 411.'),
  loopGuard: flag()
    .prefault(true)
    .describe('Whether a request that comes back to this gateway is refused, with 508.'),
  log: section({
    level: oneOf(['debug', 'info', 'warn', 'error'])
      .prefault('info')
      .describe('Lowest level that is logged.'),
    access: accessLog
      .prefault('off')
      .describe('Requests that are logged: `off`, `errors`, `all`, or a random share such as `1%`.'),
    refused: oneOf(['off', 'details'])
      .prefault('off')
      .describe('With `details` the log says of each refused token what was compared.'),
  })
    .prefault({})
    .describe('What is logged.'),
  revocation: revocation
    .describe('Who may revoke tokens. Without this key nothing can be revoked.')
    .optional(),
  state: text('a path to a folder')
    .describe(
      'Folder for what outlives a restart: the last good key sets and revocations. The gateway makes it if it is missing. Without this key nothing is kept.',
    )
    .optional(),
  uws: uws.describe('A binary of uWebSockets.js that replaces the one of this release.').optional(),
  shutdown: section({
    grace: duration(0, HOUR)
      .prefault('30s')
      .describe('Time for requests in flight when the gateway is asked to stop.'),
  })
    .prefault({})
    .describe('How the gateway stops.'),
}).meta({ title: 'portcullis configuration', required: ['listen'] });

/** The file as the user writes it. */
export type ConfigObject = z.input<typeof schema>;
/** The file with defaults and converted units, before references are followed. */
export type FileConfig = z.output<typeof schema>;
export type FileIssuer = z.output<typeof issuer>;
export type FileUpstream = z.output<typeof upstream>;
export type FileRoute = z.output<typeof route>;

/** JSON Schema (2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(schema, { io: 'input' });
}
