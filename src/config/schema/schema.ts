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
/** More do not fit the largest file. */
const MAX_ROUTES = 10_000;

const issuer = section({
  issuer: text('the exact iss claim, or any')
    .describe('Must equal the iss claim exactly; any: not checked')
    .optional(),
  audience: audienceField.describe('Any one of them must be in aud, or all; any: not checked').optional(),
  expiry: oneOf(['required', 'optional']).prefault('required').describe('Whether a token must have exp'),
  algorithms: list(
    text('the name of an algorithm such as RS256').meta(
      editorRule({ enum: [...algorithms.keys()] }, ['RS256', 'ES256']),
    ),
    'a list of algorithms such as [RS256]',
  )
    .describe('The only signature algorithms accepted')
    .optional(),
  keys: keys
    .describe(
      'Exactly one of pem, jwks, discovery and secret; or a list of sources, each with its algorithms',
    )
    .optional(),
  clockTolerance: duration(0, 10 * MINUTE)
    .prefault('0s')
    .describe('How far clocks may differ for exp and nbf'),
  require: optionalList(
    claim('the name of a claim, or a list of the names on the way to it'),
    'a list of claim names such as [sub, email]',
  )
    .prefault([])
    .describe('Claims that must be present; dots are letters, and a list of names reaches into objects'),
  maxAge: duration(1, 8760 * HOUR)
    .describe('Longest time since iat, which must be there then')
    .optional(),
  tokenTypes: tokenTypesField
    .describe('Values of typ in the header that are accepted; absent: also none; all when left out')
    .optional(),
  rejectIdTokens: flag().prefault(false).describe('Refuses what is recognised as an ID token'),
  rolesClaim: claim('the name of a claim such as roles or realm_access.roles')
    .prefault('roles')
    .describe('Where its tokens have their roles; dots reach into objects, as do lists of names'),
}).meta({ required: ['issuer', 'audience', 'algorithms', 'keys'] });

const upstream = section({
  servers: list(
    text('a URL such as http://127.0.0.1:9000').meta(
      editorRule({ pattern: '^[hH][tT][tT][pP][sS]?://[^/?#@\\\\\\s]+/?$' }, ['http://127.0.0.1:9000']),
    ),
    'a list of URLs such as [http://127.0.0.1:9000]',
  )
    .describe('http://host:port; one for now')
    .optional(),
  timeouts: section({
    connect: duration(1, HOUR).prefault('5s').describe('For a connection to be made'),
    response: duration(1, HOUR).prefault('60s').describe('From the request to the head of the response'),
    idle: duration(1, HOUR).prefault('60s').describe('Between two pieces of a body'),
    keepAlive: duration(1, HOUR)
      .describe(
        'Of a connection without a request; as long as idle when left out, and never longer than Keep-Alive: timeout of the server, less a second',
      )
      .optional(),
  }).prefault({}),
  limits: section({
    connections: count(1, 65_535).prefault(256).describe('Connections at one time'),
    waiting: count(0, 1_000_000).prefault(1024).describe('Requests that wait for a connection'),
  }).prefault({}),
  reuse: flag()
    .prefault(true)
    .describe('false: each request has a connection of its own, which is closed behind it'),
  pipelining: count(1, 64)
    .prefault(1)
    .describe(
      'Requests on one connection at a time; above 1 those without body that may be repeated share it',
    ),
}).meta({ required: ['servers'] });

const pathHint = 'a path such as /orders';
const plainPath = text(pathHint).meta(
  editorRule({ pattern: '^/[^*(){}<>|^?#;"[\\]\\\\\\s]*$' }, ['/', '/orders']),
);
const routePath = z.union([plainPath, section({ literal: text(pathHint) })], {
  error: must(`${pathHint}, or { literal: "/a*" }`),
});

const route = section({
  match: section({
    host: text('a host name such as api.example.com')
      .optional()
      .describe('Host of the request, without port; *.example.com for all below example.com'),
    path: routePath
      .prefault('/')
      .describe(
        'A path prefix on segment borders: /orders covers /orders and all below it. There are no patterns; { literal: "/a*" } takes characters for themselves that would be one elsewhere',
      ),
    methods: list(
      pattern('a method in capitals such as GET', /^[A-Z][A-Z-]{0,31}$/),
      'a list of methods such as [GET, POST]',
    )
      .describe('Methods; all when left out')
      .optional(),
  }).optional(),
  auth: oneOrMany(text('the name of an issuer, or none'), 'the name of an issuer, a list of them, or none')
    .describe('Whose tokens are accepted; defaults to the issuer when there is exactly one')
    .optional(),
  upstream: text('the name of an upstream, or a URL such as http://127.0.0.1:9000')
    .describe('Name of an upstream, or the URL of a server')
    .optional(),
  forward: forwardSection.prefault({}),
  token: tokenField.describe('Where the token may stand; Authorization: Bearer when left out').optional(),
  require: requireSection.describe('What a token must have beyond being valid').optional(),
  cors: cors.describe('Preflight requests of browsers').optional(),
  paths: oneOf(['strict', 'plain'])
    .optional()
    .describe(
      'strict by default: a request is refused when another reading of its path leads to a route that is guarded differently. plain: it is taken as it was sent, for an upstream that is known to read paths so too',
    ),
  connectionAuth: oneOf(['refuse', 'pass'])
    .describe(
      'Requests with Authorization: NTLM or Negotiate, which authenticate a connection: refused, or sent each on a connection of its own that is closed behind the answer; refuse when left out',
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
const listenOne = z.union([trafficAddress(), listenObject], {
  error: must('an address such as 0.0.0.0:8080'),
});

/** The whole file of the documentation, also what this version refuses as not supported yet. */
export const schema = section({
  listen: z
    .union([trafficAddress(), list(listenOne, 'a list of addresses'), listenObject], {
      error: must('an address such as 0.0.0.0:8080, or a list of them'),
    })
    .describe(
      'Addresses for traffic: host:port, or unix:/path of a socket in the file system; a relative path starts at the folder of this file',
    )
    .optional(),
  admin: admin.describe('Address of health, metrics and status; never one of listen'),
  listeners: z
    .union([z.literal('auto'), count(1, 64)], { error: must('auto or a whole number from 1 to 64') })
    .prefault('auto')
    .describe(
      'Processes that share the addresses of listen; auto: one for each core, as far as the limits can be divided; for the command start alone',
    ),
  verifiers: z
    .union([z.literal('auto'), count(0, 64)], { error: must('auto or a whole number from 0 to 64') })
    .prefault('auto')
    .describe(
      'Verification threads of each listener; auto: one less than its cores, at most 8; 0 verifies without threads, which is what a listener with one core gets',
    ),
  issuers: named(issuer, 'issuers').prefault({}).describe('Who signs tokens, by a name of your own'),
  upstreams: named(upstream, 'upstreams')
    .prefault({})
    .describe('Services behind the gateway, by a name of your own'),
  routes: list(route, 'a list of routes', MAX_ROUTES)
    .describe('The most specific match wins: host, longest path, method')
    .optional(),
  upstream: text('the name of an upstream, or a URL such as http://127.0.0.1:9000')
    .describe('Short form for one route: its upstream')
    .optional(),
  auth: oneOrMany(text('the name of an issuer, or none'), 'the name of an issuer, a list of them, or none')
    .describe('Short form for one route: its auth')
    .optional(),
  rejection: oneOf(['rfc6750', 'haproxy']).prefault('rfc6750').describe('How refusals look'),
  realm: pattern('1 to 128 printable ASCII characters without " and \\', /^[ !#-[\]-~]{1,128}$/)
    .prefault('portcullis')
    .describe('Realm of the Bearer challenge'),
  cache: section({
    entries: count(1, 10_000_000).prefault(100_000).describe('Verified tokens remembered'),
    bytes: size(MIB, 64 * GIB)
      .prefault('256MiB')
      .describe('Memory for them'),
  }).prefault({}),
  trustedProxies: z
    .array(text('an address, a network such as 10.0.0.0/8, or unix'), {
      error: must('a list of networks such as [10.0.0.0/8]'),
    })
    .prefault([])
    .describe(
      'Whose X-Forwarded-* are believed: addresses, networks, and unix for all who come by a unix socket',
    ),
  limits: section({
    requestHead: size(4 * KIB, 256 * KIB)
      .prefault('16KiB')
      .describe('Request line and headers'),
    requestBody: z
      .union([z.literal('unlimited'), size(0, 1024 * GIB)], {
        error: must('unlimited, or a size such as 10MiB'),
      })
      .prefault('unlimited')
      .describe('Body of a request'),
    responseHead: size(4 * KIB, MIB)
      .prefault('64KiB')
      .describe('Status line and headers of upstream'),
    bufferedBodies: size(MIB, 1024 * GIB)
      .prefault('256MiB')
      .describe(
        'Bytes of request bodies that may be held for upstreams which are slower than their clients, all together; beyond: upstream_overloaded. A client that is asked to pause may still deliver the megabytes that the kernel has received for it',
      ),
    connections: count(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'Client connections at one time, for all addresses of listen together; one more is closed at once. Each takes a file descriptor, and the memory of its socket buffers while its client is slow: keep it below the limit of open files less the connections to upstream',
      ),
    requestsPerConnection: z
      .union([z.literal(NONE), count(1, 1_000_000_000)], {
        error: must('none, or a whole number such as 1000'),
      })
      .prefault(NONE)
      .describe(
        'Requests on one client connection, on average: each answer asks the client to leave with a probability of one in this many, because the engine does not tell which connection a request came on. Spreads clients anew over several gateways behind a balancer',
      ),
  }).prefault({}),
  timeouts: section({
    request: z
      .union([z.literal(NONE), duration(1, 24 * HOUR)], {
        error: must('none, or a duration such as 60s'),
      })
      .prefault(NONE)
      .describe(
        'From the head of a request to the last byte of its answer. Beyond: request_timeout where the client owes body bytes, upstream_timeout where upstream owes the answer, and a cut connection once the answer has begun. None, because long downloads and streams are legitimate and silence has time-outs of its own',
      ),
    bodyMinRate: z
      .union([z.literal(NONE), rate(1, GIB)], {
        error: must('none, or a rate such as 1KiB/s'),
      })
      .prefault('1KiB/s')
      .describe(
        'Bytes per second that a request body must keep on average over 10 s, not counting time in which the gateway did not want them; slower: request_timeout. Slower than any link in use, yet a bound for clients that hold a connection by trickling. None: only 8 to 12 s without a byte end it, by the engine',
      ),
  }).prefault({}),
  chunkedRequests: oneOf(['allow', 'reject'])
    .prefault('allow')
    .describe('Whether chunked requests are accepted'),
  loopGuard: flag().prefault(true).describe('Whether a request that comes back to this gateway is refused'),
  log: section({
    level: oneOf(['debug', 'info', 'warn', 'error']).prefault('info').describe('Least level of log lines'),
    access: accessLog.prefault('off').describe('Which requests are logged: off, errors, all, or a sample'),
    refused: oneOf(['off', 'details'])
      .prefault('off')
      .describe('Whether the log says of refused tokens what was compared: off, or details'),
  }).prefault({}),
  revocation: revocation.describe('Revoked tokens; nothing can be revoked without it').optional(),
  state: text('a path to a folder')
    .describe(
      'Folder for what outlives a restart, such as the last good key sets; made when missing. Nothing is kept without it',
    )
    .optional(),
  uws: uws
    .describe('Another binary of uWebSockets.js, instead of the one that comes with this release')
    .optional(),
  shutdown: section({
    grace: duration(0, HOUR).prefault('30s').describe('For requests in flight when asked to stop'),
  }).prefault({}),
}).meta({ title: 'portcullis configuration', required: ['listen'] });

/** The file as it is written. */
export type ConfigObject = z.input<typeof schema>;
/** The file with defaults filled in and units converted, references not yet followed. */
export type FileConfig = z.output<typeof schema>;
export type FileIssuer = z.output<typeof issuer>;
export type FileUpstream = z.output<typeof upstream>;
export type FileRoute = z.output<typeof route>;

/** JSON Schema (2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(schema, { io: 'input' });
}
