import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenPlaces } from '../../src/auth/read/token-place.ts';
import type { TokenPlace } from '../../src/config/config.ts';
import type { RequestHead } from '../../src/http/message.ts';
import { forward, head, Setup } from './support.ts';

const bearer: TokenPlace = { kind: 'header', name: 'authorization', scheme: 'Bearer' };
const bare: TokenPlace = { kind: 'header', name: 'x-auth-token', scheme: undefined };
const schemed: TokenPlace = { kind: 'header', name: 'x-auth', scheme: 'JWT' };
const cookie: TokenPlace = { kind: 'cookie', name: 'access_token' };
const query: TokenPlace = { kind: 'query', name: 'access_token' };

/** A head with these header lines, `Name: value`. */
function request(lines: readonly string[], search?: string): RequestHead {
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^ /, '')] as const;
  });
  const authorizations = fields.filter(([name]) => name === 'authorization');
  return {
    ...head(authorizations[0]?.[1], authorizations.length),
    query: search,
    names: fields.map(([name]) => name),
    values: fields.map(([, value]) => value),
  };
}

function outcome(places: readonly TokenPlace[], lines: readonly string[], search?: string): string {
  const found = new TokenPlaces(places).find(request(lines, search));
  return typeof found === 'string' ? `token ${found}` : `${found.reason} ${found.stage}`;
}

const MISSING = 'token_missing header';
const OTHER_SCHEME = 'token_missing algorithm';
const MALFORMED = 'token_malformed algorithm';
const AMBIGUOUS = 'authorization_ambiguous signature';

describe('a header', () => {
  const rows: readonly (readonly [TokenPlace, readonly string[], string])[] = [
    [bearer, ['Authorization: Bearer a.b.c'], 'token a.b.c'],
    [bearer, ['Authorization: bEARER   a.b.c'], 'token a.b.c'],
    [bearer, ['Authorization: Basic a.b.c'], OTHER_SCHEME],
    [bearer, ['Authorization: Bearer'], MALFORMED],
    [bearer, ['X-Authorization: Bearer a.b.c'], MISSING],
    [bearer, ['Authorization: Bearer a.b.c', 'Authorization: Bearer a.b.c'], AMBIGUOUS],
    [bearer, ['Authorization: Basic x', 'Authorization: Bearer a.b.c'], AMBIGUOUS],
    [bare, ['X-Auth-Token: a.b.c'], 'token a.b.c'],
    [bare, ['X-Auth-Token: Bearer a.b.c'], MALFORMED],
    [bare, ['X-Auth-Token: a.b.c, d.e.f'], MALFORMED],
    [bare, ['X-Auth-Token: '], MALFORMED],
    [bare, ['X-Auth-Token: a.b.c', 'X-Auth-Token: a.b.c'], AMBIGUOUS],
    // Servers that do not distinguish marks would read the second one.
    [bare, ['X-Auth-Token: a.b.c', 'X_Auth_Token: d.e.f'], AMBIGUOUS],
    [bare, ['X.Auth.Token: a.b.c', 'X-AUTH-TOKEN: d.e.f'], AMBIGUOUS],
    [bare, ['X-Auth: a.b.c', 'X-Auth-Token-2: d.e.f', 'XAuthToken: g.h.i'], MISSING],
    [schemed, ['X-Auth: JWT a.b.c'], 'token a.b.c'],
    [schemed, ['X-Auth: jwt a.b.c'], 'token a.b.c'],
    [schemed, ['X-Auth: a.b.c'], OTHER_SCHEME],
    [schemed, ['X-Auth: JWTa.b.c'], OTHER_SCHEME],
    [schemed, ['X-Auth: JW'], OTHER_SCHEME],
    [schemed, ['X-Auth: JWT'], MALFORMED],
    [schemed, ['X-Auth: JWT\ta.b.c'], MALFORMED],
    [schemed, ['X-Auth: JWT a b'], MALFORMED],
  ];
  for (const [place, lines, expected] of rows) {
    test(`${JSON.stringify(lines)}: ${expected}`, () => assert.equal(outcome([place], lines), expected));
  }
});

describe('a cookie', () => {
  const rows: readonly (readonly [lines: readonly string[], expected: string])[] = [
    [['access_token=a.b.c'], 'token a.b.c'],
    [['a=1; access_token=a.b.c; b=2'], 'token a.b.c'],
    [['a=1;access_token=a.b.c;b=2'], 'token a.b.c'],
    [['a=1;\t access_token \t=\ta.b.c ; b=2'], 'token a.b.c'],
    [[' ;; access_token=a.b.c;'], 'token a.b.c'],
    [['a=1', 'access_token=a.b.c'], 'token a.b.c'],
    [['access_token=a=b'], 'token a=b'],
    [['access_token="a.b.c"'], 'token "a.b.c"'],
    [['access_token=%61.b.c'], 'token %61.b.c'],
    [[], MISSING],
    [['a=1; b=2'], MISSING],
    // Servers that do not distinguish the spellings would read the second one, or the first.
    [['access_token=a.b.c; Access_Token=d.e.f'], AMBIGUOUS],
    [['access.token=d.e.f; access_token=a.b.c'], AMBIGUOUS],
    [['access[token=d.e.f; access_token=a.b.c'], AMBIGUOUS],
    [['access_token=a.b.c; access_token[]=d.e.f'], AMBIGUOUS],
    [['access_token=a.b.c; access_token[a][b]=d.e.f'], AMBIGUOUS],
    [['access_token=a.b.c; %61ccess%5Ftoken=d.e.f'], AMBIGUOUS],
    [['access_token=a.b.c; access_token%00x=d.e.f'], AMBIGUOUS],
    [['access_token=a.b.c; \u00a0access_token=d.e.f'], AMBIGUOUS],
    [['x=1, access_token=d.e.f; access_token=a.b.c'], AMBIGUOUS],
    [['x=1, access_token=a.b.c'], MALFORMED],
    [['ACCESS_TOKEN=a.b.c'], 'token a.b.c'],
    [['access-token=a.b.c; access__token=a.b.c; access_token.sig=a.b.c; x[access_token]=a'], MISSING],
    [['xaccess_token=a.b.c; access_token2=a.b.c; access_tokens'], MISSING],
    [['a=access_token=a.b.c'], MISSING],
    [['"access_token"=a.b.c'], MISSING],
    [['access_token='], MALFORMED],
    [['access_token= \t ; a=1'], MALFORMED],
    [['access_token'], MALFORMED],
    [['access_token; a=1'], MALFORMED],
    [['access_token=a.b.c d.e.f'], MALFORMED],
    [['access_token=a.b.c, d.e.f'], MALFORMED],
    [['access_token=a.b.c, access_token=d.e.f'], AMBIGUOUS],
    [['a=b; access_token=x.y.z; access_token=x.y.z'], AMBIGUOUS],
    [['access_token=; access_token=x.y.z'], AMBIGUOUS],
    [['access_token; access_token=x.y.z'], AMBIGUOUS],
    [['access_token=x.y.z', 'a=1; access_token=x.y.z'], AMBIGUOUS],
  ];
  for (const [fields, expected] of rows) {
    test(`${JSON.stringify(fields)}: ${expected}`, () => {
      const lines = fields.map((field) => `Cookie: ${field}`);
      assert.equal(outcome([cookie], lines), expected);
    });
  }

  test('another header holds no cookie', () => {
    const lines = ['Cookie2: access_token=a.b.c', 'Set-Cookie: access_token=a.b.c'];
    assert.equal(outcome([cookie], lines), MISSING);
  });
});

describe('a query parameter', () => {
  const rows: readonly (readonly [search: string | undefined, expected: string])[] = [
    ['access_token=a.b.c', 'token a.b.c'],
    ['x=1&access_token=a.b.c&y=2', 'token a.b.c'],
    ['&&access_token=a.b.c&', 'token a.b.c'],
    ['%61ccess_token=a.b.c', 'token a.b.c'],
    ['%61%63%63%65%73%73%5F%74%6f%6B%65%6E=a.b.c', 'token a.b.c'],
    [undefined, MISSING],
    ['', MISSING],
    ['x=access_token', MISSING],
    ['x=1?access_token=a.b.c', MISSING],
    ['ACCESS_TOKEN=a.b.c', 'token a.b.c'],
    ['%2561ccess_token=a.b.c', MISSING],
    ['access_token%=a&%zzaccess_token=a&access-token=a&x[access_token]=a&access_token.x=a', MISSING],
    ['access_token=a.b.c&ACCESS_TOKEN=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access.token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access+token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access%20token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access[token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&+access_token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&%09access_token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access_token[]=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access_token%5B0%5D=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&[access_token]=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access_token%00x=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&%u0061ccess_token=d.e.f', AMBIGUOUS],
    ['access_token', MALFORMED],
    ['access_token=', MALFORMED],
    ['access_token=a%2eb.c', MALFORMED],
    ['access_token=a+b', MALFORMED],
    ['access_token=a=b', MALFORMED],
    ['access_token=Bearer%20a.b.c', MALFORMED],
    ['access_token=a.b.c;x=1', MALFORMED],
    ['x=1;access_token=a.b.c', MALFORMED],
    ['x=1;%61ccess_token=a.b.c', MALFORMED],
    ['x;access_token', MALFORMED],
    ['access_token=a.b.c&access_token=a.b.c', AMBIGUOUS],
    ['access_token=a.b.c&%61ccess_token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c&access_token', AMBIGUOUS],
    ['access_token=a.b.c&x=1;access_token=d.e.f', AMBIGUOUS],
    ['access_token=a.b.c;access_token=d.e.f', AMBIGUOUS],
  ];
  for (const [search, expected] of rows) {
    test(`${JSON.stringify(search)}: ${expected}`, () =>
      assert.equal(outcome([query], [], search), expected));
  }

  test('a huge query is searched', () => {
    const filler = 'a%61=1&'.repeat(40_000);
    assert.equal(outcome([query], [], `${filler}access_token=a.b.c`), 'token a.b.c');
    assert.equal(outcome([query], [], `access_token=a.b.c&${filler}%61ccess_token=x`), AMBIGUOUS);
    assert.equal(outcome([query], [], ';'.repeat(250_000)), MISSING);
    assert.equal(outcome([query], [], '%'.repeat(250_000)), MISSING);
    assert.equal(outcome([query], [], `a${'+'.repeat(250_000)}a`), MISSING);
    assert.equal(outcome([query], [], `a${'['.repeat(250_000)}a`), MISSING);
  });
});

describe('several places', () => {
  const all = [bearer, cookie, query];
  const rows: readonly (readonly [lines: readonly string[], search: string | undefined, expected: string])[] =
    [
      [[], undefined, MISSING],
      [['Authorization: Bearer a.b.c'], undefined, 'token a.b.c'],
      [['Cookie: access_token=a.b.c'], 'x=1', 'token a.b.c'],
      [['Cookie: x=1'], 'access_token=a.b.c', 'token a.b.c'],
      // Another scheme is no token.
      [['Authorization: Basic x', 'Cookie: access_token=a.b.c'], undefined, 'token a.b.c'],
      [['Authorization: Basic x'], undefined, OTHER_SCHEME],
      // A malformed token decides, in any place.
      [['Authorization: Bearer'], undefined, MALFORMED],
      [['Cookie: access_token='], undefined, MALFORMED],
      [[], 'access_token=%', MALFORMED],
      // Two at once, equal or not, malformed or not.
      [['Authorization: Bearer a.b.c', 'Cookie: access_token=a.b.c'], undefined, AMBIGUOUS],
      [['Authorization: Bearer a.b.c', 'Cookie: access_token=d.e.f'], undefined, AMBIGUOUS],
      [['Authorization: Bearer a.b.c'], 'access_token=a.b.c', AMBIGUOUS],
      [['Cookie: access_token=a.b.c'], 'access_token=a.b.c', AMBIGUOUS],
      [['Authorization: Bearer a.b.c', 'Cookie: Access_Token=d.e.f'], undefined, AMBIGUOUS],
      [['Authorization: Bearer a.b.c'], 'access_token[]=d.e.f', AMBIGUOUS],
      [['Authorization: Bearer', 'Cookie: access_token=a.b.c'], undefined, AMBIGUOUS],
      [['Authorization: Bearer a.b.c', 'Cookie: access_token='], undefined, AMBIGUOUS],
      [['Authorization: Bearer a.b.c'], 'access_token', AMBIGUOUS],
    ];
  for (const [lines, search, expected] of rows) {
    test(`${JSON.stringify(lines)} ?${search}: ${expected}`, () => {
      assert.equal(outcome(all, lines, search), expected);
      assert.equal(outcome([...all].reverse(), lines, search), expected);
    });
  }

  test('two schemes of one header', () => {
    const two = [bearer, { kind: 'header', name: 'authorization', scheme: 'JWT' } as const];
    assert.equal(outcome(two, ['Authorization: Bearer a.b.c']), 'token a.b.c');
    assert.equal(outcome(two, ['Authorization: jwt a.b.c']), 'token a.b.c');
    assert.equal(outcome(two, ['Authorization: Basic a.b.c']), OTHER_SCHEME);
    assert.equal(outcome(two, ['Authorization: Bearer a.b.c', 'Authorization: JWT a.b.c']), AMBIGUOUS);
  });
});

describe('with the authorizer', () => {
  const setup = new Setup();
  const routes = {
    header: setup.policy,
    cookie: setup.authorizer.policy({ auth: ['main'], token: [cookie], forward: forward() }),
    all: setup.authorizer.policy({
      auth: ['main'],
      token: [bearer, cookie, query, bare],
      forward: forward({ 'X-User': 'sub' }, 'strip'),
    }),
  };

  function ask(route: keyof typeof routes, lines: readonly string[], search?: string): string {
    const verdict = setup.authorizer.authorize(routes[route], request(lines, search), {
      onVerdict: () => assert.fail('HMAC is answered at once'),
    });
    assert.notEqual(verdict.kind, 'pending');
    return verdict.kind === 'rejection' ? verdict.reason : verdict.kind;
  }

  test('a token is one entry of the cache, in any place', () => {
    const token = setup.token();
    const misses = setup.counters.cacheMisses.value;
    for (let round = 0; round < 2; round += 1) {
      assert.equal(ask('cookie', [`Cookie: access_token=${token}`]), 'permit');
      assert.equal(ask('header', [`Authorization: Bearer ${token}`]), 'permit');
      assert.equal(ask('all', [], `access_token=${token}`), 'permit');
      assert.equal(ask('all', [`X-Auth-Token: ${token}`]), 'permit');
    }
    assert.equal(setup.counters.cacheMisses.value - misses, 1);
    assert.equal(setup.authorizer.cacheEntries, 1);
  });

  test('a route reads only its own places, known token or not', () => {
    const token = setup.token();
    for (let round = 0; round < 2; round += 1) {
      assert.equal(
        ask('cookie', [`Authorization: Bearer ${token}`], `access_token=${token}`),
        'token_missing',
      );
      assert.equal(
        ask('header', [`Cookie: access_token=${token}`], `access_token=${token}`),
        'token_missing',
      );
      assert.equal(ask('cookie', [`Cookie: access_token=${token}`]), 'permit');
    }
  });

  test('no character beyond ASCII stands for one of a known token', () => {
    const token = setup.token();
    assert.equal(ask('cookie', [`Cookie: access_token=${token}`]), 'permit');
    for (const shift of [0x80, 0x100, 0xff00]) {
      for (const at of [0, token.indexOf('.') + 3, token.length - 1]) {
        const letter = String.fromCharCode(token.charCodeAt(at) + shift);
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        assert.equal(ask('cookie', [`Cookie: access_token=${changed}`]), 'token_malformed');
        assert.equal(ask('header', [`Authorization: bearer ${changed}`]), 'token_malformed');
        assert.equal(ask('header', [`Authorization: Bearer ${changed}`]), 'token_malformed');
      }
    }
  });

  test('a token with quotes, an escape or padding is malformed', () => {
    const token = setup.token();
    assert.equal(ask('cookie', [`Cookie: access_token="${token}"`]), 'token_malformed');
    assert.equal(ask('cookie', [`Cookie: access_token=${token}=`]), 'token_malformed');
    assert.equal(ask('cookie', [`Cookie: access_token=${token.replace('.', '%2e')}`]), 'token_malformed');
  });

  test('the permit says what is not forwarded', () => {
    const permit = (token: 'keep' | 'strip', places: readonly TokenPlace[]) => {
      const policy = setup.authorizer.policy({ auth: ['main'], token: places, forward: forward({}, token) });
      const { plainPermit } = policy;
      assert.ok(plainPermit);
      const { stripToken, traces } = plainPermit;
      assert.equal(stripToken, false);
      return (
        traces && {
          ...traces,
          headers: ['authorization', 'x_auth_token'].filter((name) => traces.headers.has(name)),
        }
      );
    };
    const places = [bearer, bare, cookie, query];
    assert.deepEqual(permit('strip', places), {
      headers: ['authorization', 'x_auth_token'],
      cookies: ['access_token'],
      parameters: ['access_token'],
      protocols: [],
    });
    assert.deepEqual(permit('keep', places), {
      headers: [],
      cookies: [],
      parameters: ['access_token'],
      protocols: [],
    });
    assert.equal(permit('keep', [bearer, bare, cookie]), undefined);
  });
});
