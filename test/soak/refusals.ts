import type { Chance } from './chance.ts';
import { BODY_LIMIT } from './config.ts';
import { judged } from './echo.ts';
import { type Expected, refused, unparsed } from './expected.ts';
import type { NamedKey } from './issuer.ts';
import type { Stock } from './plain.ts';
import { type Parts, type SoakRequest, soakRequest } from './request.ts';
import { AUDIENCE, ISSUER, type Tokens } from './tokens.ts';
import type { UpstreamName } from './upstream.ts';

type Kind = readonly [
  kind: string,
  expected: Expected,
  parts: Omit<Parts, 'kind' | 'right' | 'path'> & { path?: string },
  /** The gateway looks this key up before it finds the fault. */
  key?: NamedKey,
];

/** One of many requests that the gateway must refuse, each for its own reason. */
export function refusal(stock: Stock, chance: Chance): SoakRequest {
  const [kind, expected, parts, key] = chance.of(kinds)(stock.tokens);
  const right = key === undefined ? () => [expected] : whileInForce(key, expected);
  return soakRequest({ path: '/api/refused', ...parts, kind: `refused: ${kind}`, right });
}

/** A key that leaves while the request is on its way is refused before any fault that lies behind it. */
function whileInForce({ inForce }: NamedKey, expected: Expected): SoakRequest['right'] {
  return (from, to) => inForce.between(from, to).map((is) => (is ? expected : refused(401, 'key_unknown')));
}

/** A good request for a faulty upstream. */
export function failure(stock: Stock, chance: Chance): SoakRequest {
  const token = stock.tokens.known(chance);
  const [what, expected] = chance.of(failures);
  const right = judged(token, { ...expected, by: 'a' as UpstreamName });
  return soakRequest({ kind: `upstream: ${what}`, path: `/api/${what}`, token: token.text, right });
}

/** Takes as long as the gateway waits for a response. */
export function stall(stock: Stock, chance: Chance): SoakRequest {
  const token = stock.tokens.known(chance);
  const right = judged(token, { ...refused(504, 'upstream_timeout'), by: 'a' as UpstreamName });
  return soakRequest({ kind: 'upstream: stall', path: '/api/stall', token: token.text, right });
}

const failures = [
  ['drop', refused(502, 'upstream_reset')],
  ['garbage', refused(502, 'upstream_invalid_response')],
] as const;

const past = 1_600_000_000;
const future = 4_000_000_000;
const malformed = refused(400, 'request_malformed');

const kinds: readonly ((tokens: Tokens) => Kind)[] = [
  () => ['no token', refused(401, 'token_missing'), {}],
  () => ['other scheme', refused(401, 'token_missing'), { fields: 'Authorization: Basic eDp5\r\n' }],
  () => ['no such shape', refused(401, 'token_malformed'), { token: 'a.b.c' }],
  (tokens) => [
    'cut token',
    refused(401, 'token_malformed'),
    { token: tokens.signed({}).replace(/\.[^.]*$/, '') },
  ],
  (tokens) => [
    'alg none',
    refused(401, 'algorithm_not_allowed'),
    { token: tokens.signed({}, { alg: 'none' }) },
  ],
  (tokens) => [
    'alg RS512',
    refused(401, 'algorithm_not_allowed'),
    { token: tokens.signed({}, { alg: 'RS512' }) },
  ],
  (tokens) => ['key as secret', refused(401, 'algorithm_not_allowed'), { token: tokens.confused() }],
  (tokens) => ['forged', refused(401, 'signature_invalid'), { token: tokens.forged() }, tokens.key],
  (tokens) => ['unknown key', refused(401, 'key_unknown'), { token: tokens.forged('nobody knows') }],
  (tokens) => ['expired', refused(401, 'token_expired'), { token: tokens.signed({ exp: past }) }, tokens.key],
  (tokens) => [
    'too early',
    refused(401, 'token_not_yet_valid'),
    { token: tokens.signed({ nbf: future }) },
    tokens.key,
  ],
  (tokens) => [
    'for others',
    refused(401, 'audience_mismatch'),
    { token: tokens.signed({ aud: `not ${AUDIENCE}` }) },
    tokens.key,
  ],
  (tokens) => [
    'by others',
    refused(401, 'issuer_mismatch'),
    { token: tokens.signed({ iss: `${ISSUER}.evil` }) },
  ],
  (tokens) => [
    'without end',
    refused(401, 'claim_missing'),
    { token: tokens.signed({ exp: undefined }) },
    tokens.key,
  ],
  (tokens) => [
    'inexact subject',
    refused(401, 'claim_mismatch'),
    { token: tokens.signed({ sub: 2 ** 60 }) },
    tokens.key,
  ],
  (tokens) => [
    'no scope',
    refused(403, 'scope_insufficient', { scope: 'never' }),
    { path: '/scoped', token: tokens.signed({}) },
    tokens.key,
  ],
  (tokens) => [
    'no role',
    refused(403, 'role_missing'),
    { path: '/roles', token: tokens.signed({}) },
    tokens.key,
  ],
  (tokens) => {
    const token = tokens.signed({});
    return [
      'two tokens',
      refused(400, 'authorization_ambiguous'),
      { token, fields: `Authorization: Bearer ${token}\r\n` },
    ];
  },
  (tokens) => ['no route', refused(404, 'route_not_found'), { path: '/nowhere', token: tokens.signed({}) }],
  () => ['two slashes', malformed, { path: '//api' }],
  () => ['dot segments', malformed, { path: '/api/../api' }],
  () => ['CONNECT', malformed, { method: 'CONNECT', path: '/api' }],
  () => [
    'large head',
    refused(431, 'request_head_too_large'),
    { fields: `X-Large: ${'x'.repeat(17_000)}\r\n` },
  ],
  (tokens) => [
    'large body',
    refused(413, 'request_body_too_large'),
    { method: 'POST', token: tokens.signed({}), fields: `Content-Length: ${BODY_LIMIT + 1}\r\n` },
  ],
  () => [
    'upload without token',
    refused(401, 'token_missing'),
    { method: 'POST', fields: 'Content-Length: 300000\r\n', body: [Buffer.alloc(300_000)] },
  ],
  () => ['no header', unparsed(400), { fields: 'what is this\r\n' }],
];
