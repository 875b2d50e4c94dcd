import { sign } from 'node:crypto';
import { byEngine } from '../support/engine.ts';
import { hs256, rs256, secondsFromNow, type TestKey } from '../support/tokens.ts';

export const issuer = 'https://local.fusionauth.io';
export const audience = '63b73f76-7400-487d-b122-5705b848da80';

/** The messages of the walk-through's configuration, by the check that sends them. */
export const messages = {
  header: 'Missing Authorization HTTP header',
  algorithm: 'Unsupported JWT signing algorithm',
  issuer: 'Invalid JWT issuer',
  audience: 'Invalid JWT audience',
  signature: 'Invalid JWT signature',
  expiry: 'JWT has expired',
} as const;

/** `passed`: upstream responds. A check: its denial. A list: one of these statuses, from the proxy itself. */
export type Outcome = 'passed' | keyof typeof messages | readonly number[];

export interface Case {
  readonly name: string;
  /** The request, byte for byte. */
  readonly bytes: string;
  /** The measured result of HAProxy. */
  readonly haproxy: Outcome;
  /** Set where `rejection: haproxy` deliberately differs. */
  readonly difference?: { readonly gateway: Outcome; readonly why: string } | undefined;
}

/** Text that goes unchanged into a JSON document, to write odd numbers and duplicates. */
const json = (members: Readonly<Record<string, string>>): string =>
  `{${Object.entries(members)
    .map(([name, value]) => `"${name}":${value}`)
    .join(',')}}`;

const goodHeader: Readonly<Record<string, string>> = { alg: '"RS256"', typ: '"JWT"', kid: '"k1"' };

function goodClaims(): Record<string, string> {
  return {
    aud: `"${audience}"`,
    exp: String(secondsFromNow(600)),
    iat: String(secondsFromNow(-10)),
    iss: `"${issuer}"`,
    sub: '"3963000f-686d-4169-b628-9c9c4534b780"',
  };
}

/** A request line and header lines; `Host` is always present. */
export function get(lines: readonly string[], first = 'GET /orders?page=2 HTTP/1.1'): string {
  return [first, 'Host: api.example.com', ...lines, '', ''].join('\r\n');
}

const without = (members: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(members).filter(([member]) => member !== name));

/** Every row of the measured table, with tokens signed by `key` and by a `stranger`. */
export function parityCases(key: TestKey, stranger: TestKey): Case[] {
  const claims = goodClaims();
  const signed = (payload: Record<string, string> = claims, header = goodHeader, by = key): string =>
    rs256(by, json(payload), json(header));
  const bearer = (token: string): string => get([`Authorization: Bearer ${token}`]);
  const expired = { ...claims, exp: String(secondsFromNow(-60)) };
  const withExp = (exp: string): string => bearer(signed({ ...claims, exp }));
  const good = signed();
  const [head = '', payload = '', signature = ''] = good.split('.');
  const rs512Input = `${encode(json({ ...goodHeader, alg: '"RS512"' }))}.${payload}`;
  const rs512 = `${rs512Input}.${sign('sha512', Buffer.from(rs512Input), key.privateKey).toString('base64url')}`;
  const unsigned = `${encode(json({ ...goodHeader, alg: '"none"' }))}.${payload}.`;

  const never = { gateway: 'expiry', why: 'a token that lives for ever is refused' } as const;
  const oddExp = { gateway: 'expiry', why: 'exp must be a JSON number (RFC 7519 §4.1.4)' } as const;

  const missing: Case[] = [
    { name: 'no Authorization', bytes: get([]), haproxy: 'header' },
    { name: 'no Authorization, HEAD', bytes: get([], 'HEAD / HTTP/1.1'), haproxy: 'header' },
    {
      name: 'no Authorization, POST with a body',
      bytes: `${get(['Content-Length: 5'], 'POST / HTTP/1.1')}hello`,
      haproxy: 'header',
    },
    { name: 'no Authorization, DELETE', bytes: get([], 'DELETE /orders/1 HTTP/1.1'), haproxy: 'header' },
    {
      name: 'CORS preflight',
      bytes: get(
        ['Origin: https://app.example.com', 'Access-Control-Request-Method: GET'],
        'OPTIONS / HTTP/1.1',
      ),
      haproxy: 'header',
    },
    {
      name: 'WebSocket upgrade without a token',
      bytes: get([
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ]),
      haproxy: 'header',
    },
    { name: '/healthz without a token', bytes: get([], 'GET /healthz HTTP/1.1'), haproxy: 'header' },
    {
      name: 'token only in the query',
      bytes: get([], `GET /?access_token=${good} HTTP/1.1`),
      haproxy: 'header',
    },
  ];

  const scheme: Case[] = [
    { name: 'Authorization without a value', bytes: get(['Authorization:']), haproxy: 'algorithm' },
    { name: 'Authorization with a blank value', bytes: get(['Authorization:   ']), haproxy: 'algorithm' },
    { name: 'Basic credentials', bytes: get(['Authorization: Basic Ym9iOnB3']), haproxy: 'algorithm' },
    { name: 'scheme Token', bytes: get([`Authorization: Token ${good}`]), haproxy: 'algorithm' },
    { name: 'Bearer alone', bytes: get(['Authorization: Bearer']), haproxy: 'algorithm' },
    { name: 'Bearer and a space', bytes: get(['Authorization: Bearer ']), haproxy: 'algorithm' },
    { name: 'token without a scheme', bytes: get([`Authorization: ${good}`]), haproxy: 'algorithm' },
    { name: 'tab after Bearer', bytes: get([`Authorization: Bearer\t${good}`]), haproxy: 'algorithm' },
    { name: 'garbage for a token', bytes: bearer('garbage'), haproxy: 'algorithm' },
    { name: 'quoted token', bytes: bearer(`"${good}"`), haproxy: 'algorithm' },
    { name: 'scheme bearer', bytes: get([`Authorization: bearer ${good}`]), haproxy: 'passed' },
    { name: 'scheme BEARER', bytes: get([`Authorization: BEARER ${good}`]), haproxy: 'passed' },
    {
      name: 'several spaces after Bearer',
      bytes: get([`Authorization: Bearer    ${good}`]),
      haproxy: 'passed',
    },
    { name: 'spaces after the token', bytes: get([`Authorization: Bearer ${good}   `]), haproxy: 'passed' },
  ];

  const algorithm: Case[] = [
    ...['"rs256"', '"RS384"', '["RS256"]', 'null', '256'].map(
      (alg): Case => ({
        name: `alg ${alg}`,
        bytes: bearer(signed(claims, { ...goodHeader, alg })),
        haproxy: 'algorithm',
      }),
    ),
    {
      name: 'alg with a NUL behind it',
      bytes: bearer(signed(claims, { ...goodHeader, alg: '"RS256\\u0000"' })),
      haproxy: 'passed',
      difference: { gateway: 'algorithm', why: 'alg must equal an allowed name, to its end' },
    },
    { name: 'alg missing', bytes: bearer(signed(claims, without(goodHeader, 'alg'))), haproxy: 'algorithm' },
    { name: 'alg RS512, signed so', bytes: bearer(rs512), haproxy: 'algorithm' },
    { name: 'alg none, unsigned', bytes: bearer(unsigned), haproxy: 'algorithm' },
    {
      name: 'alg HS256 keyed with the public key',
      bytes: bearer(hs256(key.pem, json(claims), json({ ...goodHeader, alg: '"HS256"' }))),
      haproxy: 'algorithm',
    },
    { name: 'header is no JSON', bytes: bearer(rs256(key, json(claims), 'hello')), haproxy: 'algorithm' },
  ];

  const named: Case[] = [
    ...[`"${issuer}/"`, `"${issuer.toUpperCase()}"`, '"https://evil.example"', `["${issuer}"]`, 'null'].map(
      (iss): Case => ({ name: `iss ${iss}`, bytes: bearer(signed({ ...claims, iss })), haproxy: 'issuer' }),
    ),
    {
      name: 'iss with a NUL behind it',
      bytes: bearer(signed({ ...claims, iss: `"${issuer}\\u0000"` })),
      haproxy: 'passed',
      difference: { gateway: 'issuer', why: 'iss must equal the configured text, to its end' },
    },
    { name: 'iss missing', bytes: bearer(signed(without(claims, 'iss'))), haproxy: 'issuer' },
    { name: 'payload is no JSON', bytes: bearer(rs256(key, 'hello', json(goodHeader))), haproxy: 'issuer' },
    ...[`"${audience.toUpperCase()}"`, '"another"', '["another"]', '[]', 'null'].map(
      (aud): Case => ({ name: `aud ${aud}`, bytes: bearer(signed({ ...claims, aud })), haproxy: 'audience' }),
    ),
    { name: 'aud missing', bytes: bearer(signed(without(claims, 'aud'))), haproxy: 'audience' },
    ...[`["${audience}"]`, `["another","${audience}"]`].map(
      (aud): Case => ({
        name: `aud ${aud}`,
        bytes: bearer(signed({ ...claims, aud })),
        haproxy: 'audience',
        difference: { gateway: 'passed', why: 'aud may be an array (RFC 7519 §4.1.3)' },
      }),
    ),
  ];

  const signatures: Case[] = (
    [
      ['of another key', signed(claims, goodHeader, stranger)],
      ['of another payload', `${head}.${encode(json({ ...claims, sub: '"someone else"' }))}.${signature}`],
      ['empty', `${head}.${payload}.`],
      ['padded', `${good}==`],
      ['in standard base64', `${head}.${payload}.${standardAlphabet(signature)}`],
      ['not base64', `${head}.${payload}.${'!'.repeat(signature.length)}`],
      ['cut', good.slice(0, -8)],
      ['missing: two segments', `${head}.${payload}`],
      ['followed by a fourth segment', `${good}.e30`],
    ] as const
  ).map(([what, token]) => ({ name: `signature ${what}`, bytes: bearer(token), haproxy: 'signature' }));

  const order: Case[] = [
    {
      name: 'expired and signed by another key',
      bytes: bearer(signed(expired, goodHeader, stranger)),
      haproxy: 'signature',
    },
    {
      name: 'expired and for another audience',
      bytes: bearer(signed({ ...expired, aud: '"another"' })),
      haproxy: 'audience',
    },
    {
      name: 'another issuer and another audience',
      bytes: bearer(signed({ ...claims, iss: '"x"', aud: '"y"' })),
      haproxy: 'issuer',
    },
    {
      name: 'another algorithm and another issuer',
      bytes: bearer(signed({ ...claims, iss: '"x"' }, { ...goodHeader, alg: '"HS256"' })),
      haproxy: 'algorithm',
    },
  ];

  const expiry: Case[] = [
    { name: 'exp a minute ago', bytes: bearer(signed(expired)), haproxy: 'expiry' },
    { name: 'exp this very second', bytes: withExp(String(secondsFromNow(0))), haproxy: 'expiry' },
    ...['true', '0', '"abc"', '1e400'].map(
      (exp): Case => ({ name: `exp ${exp}`, bytes: withExp(exp), haproxy: 'expiry' }),
    ),
    { name: 'exp with a fraction', bytes: withExp(`${secondsFromNow(600)}.5`), haproxy: 'passed' },
    {
      name: 'exp missing',
      bytes: bearer(signed(without(claims, 'exp'))),
      haproxy: 'passed',
      difference: never,
    },
    ...['null', '{}', '""', '9007199254740993'].map(
      (exp): Case => ({ name: `exp ${exp}`, bytes: withExp(exp), haproxy: 'passed', difference: never }),
    ),
    {
      name: 'exp a numeric string',
      bytes: withExp(`"${secondsFromNow(600)}"`),
      haproxy: 'passed',
      difference: oddExp,
    },
    { name: 'exp negative', bytes: withExp('-1'), haproxy: 'passed', difference: never },
    {
      name: 'exp an array',
      bytes: withExp(`[${secondsFromNow(600)}]`),
      haproxy: 'passed',
      difference: oddExp,
    },
    {
      name: 'exp 1e10',
      bytes: withExp('1e10'),
      haproxy: 'expiry',
      difference: { gateway: 'passed', why: 'it is the year 2286, which HAProxy reads as the second 1' },
    },
    {
      name: 'nbf in an hour',
      bytes: bearer(signed({ ...claims, nbf: String(secondsFromNow(3600)) })),
      haproxy: 'passed',
      difference: { gateway: 'expiry', why: 'a token is not valid before nbf (RFC 7519 §4.1.5)' },
    },
    {
      name: 'iat in an hour',
      bytes: bearer(signed({ ...claims, iat: String(secondsFromNow(3600)) })),
      haproxy: 'passed',
    },
    {
      name: 'crit with an unknown name',
      bytes: bearer(signed(claims, { ...goodHeader, crit: '["x"]', x: '1' })),
      haproxy: 'passed',
      difference: { gateway: 'signature', why: 'an extension that is not understood (RFC 7515 §4.1.11)' },
    },
  ];

  const repeated: Case[] = [
    {
      name: 'two Authorization headers, the first one good',
      bytes: get([`Authorization: Bearer ${good}`, 'Authorization: Bearer garbage']),
      haproxy: 'passed',
      difference: { gateway: 'signature', why: 'which of two headers counts depends on the reader' },
    },
    {
      name: 'two Authorization headers, the second one good',
      bytes: get(['Authorization: Bearer garbage', `Authorization: Bearer ${good}`]),
      haproxy: 'algorithm',
    },
    {
      name: 'a list in Authorization, the first one good',
      bytes: get([`Authorization: Bearer ${good}, Bearer garbage`]),
      haproxy: 'passed',
      difference: { gateway: 'algorithm', why: 'the header holds one credential (RFC 9110 §11.6.2)' },
    },
    {
      name: 'iss twice, the first one good',
      bytes: bearer(
        rs256(key, `{"iss":"${issuer}",${json({ ...claims, iss: '"x"' }).slice(1)}`, json(goodHeader)),
      ),
      haproxy: 'passed',
      difference: { gateway: 'issuer', why: 'two readers take different ones (RFC 8725 §2.4)' },
    },
    {
      name: 'alg twice, the first one good',
      bytes: bearer(rs256(key, json(claims), '{"alg":"RS256","alg":"none"}')),
      haproxy: 'passed',
      difference: { gateway: 'algorithm', why: 'two readers take different ones (RFC 8725 §2.4)' },
    },
  ];

  const accepted: Case[] = [
    { name: 'a good token', bytes: bearer(good), haproxy: 'passed' },
    {
      name: 'a good token, HEAD',
      bytes: get([`Authorization: Bearer ${good}`], 'HEAD /orders HTTP/1.1'),
      haproxy: 'passed',
    },
    {
      name: 'a good token, POST with a body and headers of its own',
      bytes: `${get(
        [`Authorization: Bearer ${good}`, 'Content-Type: text/plain', 'X-Trace: one', 'Content-Length: 5'],
        'POST /orders HTTP/1.1',
      )}hello`,
      haproxy: 'passed',
    },
    {
      name: 'a token of 8 KiB',
      bytes: bearer(signed({ ...claims, note: `"${'n'.repeat(5_700)}"` })),
      haproxy: 'passed',
    },
  ];

  const limits: Case[] = [
    {
      name: 'a request head over 16 KiB',
      bytes: get([`Authorization: Bearer ${good}`, `X-Long: ${'x'.repeat(17_000)}`]),
      haproxy: [400, 431],
      difference: { gateway: [431], why: 'the status that says so (RFC 6585 §5); HAProxy 2.6 says 400' },
    },
    {
      name: 'HTTP/1.0',
      bytes: get([`Authorization: Bearer ${good}`], 'GET / HTTP/1.0'),
      haproxy: 'passed',
      difference: byEngine('HTTP/1.0', {
        uws: { gateway: [400, 505], why: 'uWebSockets.js speaks HTTP/1.1 only' },
        node: undefined,
      }),
    },
  ];

  return [missing, scheme, algorithm, named, signatures, order, expiry, repeated, accepted, limits].flat();
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** The signature with `+` and `/`, which base64url lacks; at least one of them is present. */
function standardAlphabet(signature: string): string {
  const standard = signature.replaceAll('-', '+').replaceAll('_', '/');
  return standard === signature ? `+${standard.slice(1)}` : standard;
}
