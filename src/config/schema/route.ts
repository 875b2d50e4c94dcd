import type * as z from 'zod';
import { cors } from './cors.ts';
import { count, editorRule, either, list, oneOf, oneOrMany, pattern, section, text } from './fields.ts';
import { forwardSection, tokenField } from './forward.ts';
import { requireSection } from './require.ts';
import { responseHeaders } from './response-headers.ts';

const pathHint = 'a path such as /orders';
const plainPath = text(pathHint).meta(
  editorRule({ pattern: '^/[^*(){}<>|^?#;"[\\]\\\\\\s]*$' }, ['/', '/orders']),
);
const routePath = either(
  [plainPath, section({ literal: text(pathHint) })],
  `${pathHint}, or { literal: "/a*" }`,
);

/** Limits of one route: each is looked up for each request. */
const MAX_RATE_LIMITS = 8;

/** A route: the requests that it takes, and what happens to them. */
export const route = section({
  match: section({
    host: text('a host name such as api.example.com')
      .optional()
      .describe('Host of the request, without port. `*.example.com` covers every name below `example.com`.'),
    path: routePath
      .describe(
        '/ by default. A path and all below it: `/orders` covers `/orders` and `/orders/1`, and not `/orders-old`. There are no patterns. `{ literal: "/a*" }` takes each character for itself.',
      )
      .optional(),
    prefix: routePath
      .describe(
        'Instead of `path`: all paths that begin with these letters. `/orders` covers `/orders-old` too, and `/orders/` covers only what is below.',
      )
      .optional(),
    exact: routePath
      .describe('Instead of `path`: this path alone. `/orders` does not cover `/orders/1`.')
      .optional(),
    methods: list(
      pattern('a method in capitals such as GET', /^[A-Z][A-Z-]{0,31}$/),
      'a list of methods such as [GET, POST]',
    )
      .describe('Methods. Without this key every method matches.')
      .optional(),
  })
    .describe('Requests that the route takes.')
    .optional(),
  auth: oneOrMany(
    text('the name of an issuer, none or deny'),
    'the name of an issuer, a list of them, none or deny',
  )
    .describe(
      'Issuers whose tokens are accepted. `none`: no token is asked for. `deny`: every request is refused with 403, so a route can close a part of another one. Without this key it is the only issuer of the file, if there is exactly one.',
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
  upgrade: list(
    pattern('a protocol such as websocket', /^[!#$%&'*+.^_`|~0-9A-Za-z/-]{1,64}$/),
    'a list such as [websocket]',
    8,
  )
    .describe(
      'Protocols to which a connection may be upgraded, such as `websocket`. The token is judged before, and the connection ends with it. By HTTP/2 only `websocket`. Needs `engine: node`, which `auto` then is.',
    )
    .optional(),
  origins: list(
    pattern('an origin such as https://app.example.com', /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]{1,255}$/),
    'a list such as [https://app.example.com]',
    100,
  )
    .describe(
      'Pages that may upgrade a connection, by the Origin of the request. A request without Origin may; browsers send it. Without this key all may.',
    )
    .optional(),
  tunnels: section({
    limit: count(1, 1_000_000)
      .describe('Tunnels of the route at one time. One more gets `tunnels_exhausted`.')
      .optional(),
    perSubject: count(1, 1_000_000)
      .describe(
        'Those of one subject: the tokens with the same `iss` and `sub`. A token without `sub` counts only for `limit`.',
      )
      .optional(),
  })
    .describe(
      'Bounds of the WebSockets and other upgraded connections of the route, in each listener, below those of `limits.tunnels`.',
    )
    .optional(),
  rateLimit: list(text('the name of a rate limit'), 'a list of names of rateLimits', MAX_RATE_LIMITS)
    .describe(
      'Names of `rateLimits` that its requests must keep; a request beyond one of them gets `rate_limited`.',
    )
    .optional(),
  onExpiry: section({
    tunnels: oneOf(['close', 'keep'])
      .describe(
        'close by default. What happens to WebSockets and other upgraded connections. `keep`: they last until one side ends them, or nothing moves.',
      )
      .optional(),
    answers: oneOf(['close', 'keep'])
      .prefault('keep')
      .describe(
        'What happens to responses under way. `close`: an event stream ends between two events, and any other response is cut.',
      ),
  })
    .describe(
      'What happens at the end of a token to what it has opened: when it expires or is revoked, its key goes, or a reload lets it in no more.',
    )
    .optional(),
  connectionAuth: oneOf(['refuse', 'pass'])
    .describe(
      'refuse by default. What happens to requests with `Authorization: NTLM` or `Negotiate`, which authenticate a connection. `refuse`: 403. `pass`: each goes on a connection of its own, which is closed after the response.',
    )
    .optional(),
  responseHeaders: responseHeaders.describe('Headers of responses, such as those for browsers.').optional(),
}).meta({ required: ['match', 'upstream'] });

export type FileRoute = z.output<typeof route>;
