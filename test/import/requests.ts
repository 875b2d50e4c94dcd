import { Random } from '../support/fuzz/random.ts';
import { rs256, secondsFromNow, type TestKey } from '../support/tokens.ts';

/** A request to two proxies. */
export interface Asked {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** What is special about its token. */
  readonly token: string;
  readonly fields: readonly string[];
  /** At the second address. */
  readonly second: boolean;
}

const CLAIMS = {
  iss: 'https://idp.example.com',
  aud: 'shop',
  sub: 'u-1',
  role: 'admin',
  scope: 'orders:read orders:write',
};

const TOKENS = [
  ...['none', 'good', 'of a user', 'of staff', 'of another issuer', 'for another audience', 'expired'],
  ...['by a stranger', 'of another algorithm', 'garbage'],
];

/** Tokens by what is special about them. */
export function tokensOf(key: TestKey, stranger: TestKey): ReadonlyMap<string, string | undefined> {
  const good = { ...CLAIMS, exp: secondsFromNow(3600) };
  const sign = (claims: object, by = key, header: object = { alg: 'RS256', typ: 'JWT' }): string =>
    `Bearer ${rs256(by, claims, header)}`;
  return new Map([
    ['none', undefined],
    ['good', sign(good)],
    ['of a user', sign({ ...good, role: 'user', scope: 'orders:read' })],
    ['of staff', sign({ ...good, iss: 'https://staff.example.com' })],
    ['of another issuer', sign({ ...good, iss: 'https://evil.example.com' })],
    ['for another audience', sign({ ...good, aud: 'other' })],
    ['expired', sign({ ...good, exp: secondsFromNow(-60) })],
    ['by a stranger', sign(good, stranger)],
    ['of another algorithm', sign(good, key, { alg: 'RS384', typ: 'JWT' })],
    ['garbage', 'Bearer garbage'],
  ]);
}

/** Requests that the words of a file suggest, the same ones for the same seed. */
export function requestsFor(text: string, count: number, seed: number): readonly Asked[] {
  const random = new Random(seed);
  const words = text.split(/[\s"']+/);
  const paths = ['/', '/other', '/other/deep'];
  for (const word of words) {
    if (/^\/[a-z][a-z0-9/._-]*$/i.test(word) && !word.includes('.pem')) {
      const bare = word.replace(/\/$/, '');
      paths.push(word, bare, `${bare}/x`, `${bare}s`, `/x${bare}`, bare.toUpperCase());
    }
    if (word === 'static') paths.push('/static', '/static/x', '/x/static/y');
  }
  if (text.includes('SHOP_PREFIX')) paths.push('/shop', '/shop/x', '/shopping');
  const hosts = ['other.example.com', '127.0.0.1'];
  for (const [name = ''] of text.matchAll(/\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.example\.com(?::\d+)?/g)) {
    if (name.startsWith('.')) hosts.push(`one${name}`, `a.b${name}`, name.slice(1));
    else if (!/idp|staff/.test(name))
      hosts.push(name, `${name.replace(/:\d+$/, '')}:8443`, name.toUpperCase(), `x.${name}`);
  }
  if (text.includes('hosts.map')) hosts.push('red.example.com', 'blue.example.com', 'RED.example.com');
  if (text.includes('$TENANT')) hosts.push('blue.example.com');
  const guarded = /jwt_|authorization/.test(text);
  const tokens = guarded ? TOKENS : ['none'];
  const fields = [
    [],
    ['X-Internal-User: root', 'X-Gateway: mine'],
    ['Cookie: canary=yes'],
    ['X-Forwarded-For: 6.6.6.6'],
    ['User-Agent: BadBot/1.0'],
  ];
  const asked: Asked[] = [];
  for (let at = 0; at < count; at += 1) {
    asked.push({
      method: random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']),
      host: random.pick(hosts),
      // Each path comes at least once.
      path: at < paths.length && at < count / 2 ? (paths[at] as string) : random.pick(paths),
      token: guarded && at % 3 !== 0 ? 'good' : random.pick(tokens),
      fields: random.pick(fields),
      second: text.includes('@PORT2@ ssl') && at % 2 === 0,
    });
  }
  return asked;
}

/** The request as bytes. */
export function bytesOf(
  { method, host, path, token, fields }: Asked,
  tokens: ReadonlyMap<string, string | undefined>,
): string {
  const authorization = tokens.get(token);
  const length = method === 'POST' || method === 'PUT' ? ['Content-Length: 0'] : [];
  const lines = authorization === undefined ? fields : [`Authorization: ${authorization}`, ...fields];
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines, ...length, '', ''].join('\r\n');
}
