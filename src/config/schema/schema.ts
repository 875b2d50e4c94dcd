import * as z from 'zod';
import { admin } from './admin.ts';
import { uws } from './engine.ts';
import {
  anyAddress,
  count,
  duration,
  either,
  flag,
  list,
  must,
  named,
  oneOf,
  oneOrMany,
  pattern,
  section,
  size,
  text,
} from './fields.ts';
import { issuer } from './issuer.ts';
import { limits, timeouts } from './limits.ts';
import { listenObject } from './listen.ts';
import { log } from './log.ts';
import { metrics } from './metrics.ts';
import { rateLimit } from './rate-limits.ts';
import { requestId } from './request-id.ts';
import { revocation } from './revocation.ts';
import { route } from './route.ts';
import { tracing } from './tracing.ts';
import { upstream } from './upstream.ts';

const HOUR = 60 * 60_000;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Routes; more do not fit into the largest file. */
const MAX_ROUTES = 10_000;

const listenOne = either([anyAddress(), listenObject], 'an address such as 0.0.0.0:8080');

/** The whole file of the documentation, with the keys that this version still refuses. */
export const schema = section({
  listen: either(
    [anyAddress(), list(listenOne, 'a list of addresses'), listenObject],
    'an address such as 0.0.0.0:8080, or a list of them',
  )
    .describe(
      'Addresses that take traffic: `host:port`, or `unix:/path` for a unix socket, or a mapping where more is to be said. A relative path starts at the folder of this file.',
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
  rateLimits: named(rateLimit, 'rate limits')
    .prefault({})
    .describe('Limits on the rate of requests, which routes name in `rateLimit`. You choose the names.'),
  routes: list(route, 'a list of routes', MAX_ROUTES)
    .describe(
      'Which requests go where. The most specific match wins: host, then an exact path, then the longest, then method.',
    )
    .optional(),
  upstream: text('the name of an upstream, or a URL such as http://127.0.0.1:9000')
    .describe('Short form for a single route: its upstream.')
    .optional(),
  auth: oneOrMany(
    text('the name of an issuer, none or deny'),
    'the name of an issuer, a list of them, none or deny',
  )
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
  limits: limits.prefault({}).describe('Limits of the whole gateway.'),
  timeouts: timeouts.prefault({}).describe('Time-outs for requests of clients.'),
  chunkedRequests: oneOf(['allow', 'reject'])
    .prefault('allow')
    .describe('Whether chunked requests are accepted. `reject` answers them with 411.'),
  loopGuard: flag()
    .prefault(true)
    .describe('Whether a request that comes back to this gateway is refused, with 508.'),
  log: log.prefault({}).describe('What is logged.'),
  requestId: requestId
    .describe(
      'An id for each request, which upstream, the client and the access log get. Without this key there is none.',
    )
    .optional(),
  metrics: metrics.describe('What metrics have beyond the usual.').optional(),
  tracing: tracing
    .describe('Export of spans of requests to OpenTelemetry. Without this key there is none.')
    .optional(),
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
    tunnels: duration(0, HOUR)
      .prefault('0s')
      .describe(
        'How long WebSockets are left alone then. After it they are closed with 1001 one by one, over most of the rest of `grace`, so that clients do not all come back at once.',
      ),
  })
    .prefault({})
    .describe('How the gateway stops.'),
}).meta({ title: 'portcullis configuration', required: ['listen'] });

/** The file as the user writes it. */
export type ConfigObject = z.input<typeof schema>;
/** The file with defaults and converted units, before references are followed. */
export type FileConfig = z.output<typeof schema>;

/** JSON Schema (2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(schema, { io: 'input' });
}
