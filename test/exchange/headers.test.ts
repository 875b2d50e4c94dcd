import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { byEngine } from '../support/engine.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { Wire, type WireResponse } from '../support/wire.ts';

let origin: Origin;
/** No route of the first gateway names methods; one route of the second does. */
let gateway: TestGateway;
let byMethod: TestGateway;
/** Request heads that reached upstream. */
let seen: string[] = [];

const path = (prefix: string, methods?: string[]) => ({ host: undefined, path: prefix, methods });
const forward = (headers: Record<string, string> = {}) => ({
  headers: new Map(Object.entries(headers)),
  token: 'keep' as const,
  forwarded: new Set([] as const),
});

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    seen.push(text);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
  const routes = [
    { name: '/public', match: path('/public'), auth: 'none' as const, forward: forward() },
    {
      name: '/private',
      match: path('/private'),
      forward: forward({ 'X-User-Id': 'sub', X_Roles: 'roles', Groups: 'groups' }),
    },
    { name: '/plain', match: path('/plain'), forward: forward() },
  ];
  gateway = await startGateway({ upstreamPort: origin.port, routes });
  const limited = { name: '/get', match: path('/get', ['GET']), auth: 'none' as const, forward: forward() };
  byMethod = await startGateway({ upstreamPort: origin.port, routes: [...routes, limited] });
});

after(async () => {
  await gateway.close();
  await byMethod.close();
  await origin.close();
});

interface Sent {
  readonly response: WireResponse;
  /** Header lines that upstream received; undefined when nothing reached it. */
  readonly lines: string[] | undefined;
}

async function send(head: string, lines: readonly string[], body = '', port = gateway.port): Promise<Sent> {
  seen = [];
  const wire = await Wire.open(port);
  wire.send(`${[`${head} HTTP/1.1`, 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n${body}`);
  const response = await wire.response();
  wire.close();
  assert.ok(seen.length < 2);
  const text = seen[0];
  return { response, lines: text?.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1) };
}

/** Header lines that upstream received, without the Host line. */
async function kept(lines: readonly string[], head = 'GET /public', port = gateway.port): Promise<string[]> {
  const result = await send(head, lines, '', port);
  assert.equal(result.response.status, 200);
  assert.equal(result.lines?.[0], 'host: a.example');
  return (result.lines ?? []).slice(1);
}

describe('hop-by-hop headers', () => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    'an offer of HTTP/2': ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
    'an offer of HTTP/2 that Connection does not name': ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
    'a list of protocols': ['Connection: upgrade', 'Upgrade: foo/2, bar', 'Upgrade: TLS/1.2'],
    'TE, and that it is named': ['TE: trailers, gzip;q=0.5', 'Connection: TE'],
    'another expectation': ['Expect: 200-ok'],
    'an expectation in capitals': ['Expect: 100-CONTINUE'],
    'two expectations': ['Expect: 100-continue', 'Expect: x'],
    'those of proxies': [
      'Proxy-Connection: close',
      'Proxy-Authorization: Basic eDp5',
      'Proxy-Authenticate: Basic',
      'Proxy: http://evil.example:3128',
    ],
    'in capitals': ['KEEP-ALIVE: timeout=5', 'TRAILER: X', 'UPGRADE: h2c', 'TE: trailers', 'PROXY: x'],
    'with other marks': [
      'Keep_Alive: timeout=5',
      'Proxy_Authorization: Basic eDp5',
      'HTTP2_Settings: AAMA',
      'Transfer_Encoding: chunked',
      'Transfer.Encoding: chunked',
      'Content_Length: 5',
      'Content~Length: 5',
    ],
  };
  for (const [name, lines] of Object.entries(rows)) {
    test(`${name}: are not forwarded`, async () => {
      assert.deepEqual(await kept([...lines, 'X-Kept: 1']), ['x-kept: 1']);
    });
  }

  test('a WebSocket offer becomes a plain request', async () => {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    assert.deepEqual(await kept(['Connection: Upgrade', 'Upgrade: websocket', key]), [
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ]);
  });

  test('Trailer of a chunked request is not forwarded, nor is the trailer that Connection names', async () => {
    const { lines } = await send(
      'POST /public',
      ['Transfer-Encoding: chunked', 'Trailer: X-T', 'Connection: x-t', 'X-T: 1'],
      '0\r\n\r\n',
    );
    assert.deepEqual(lines, ['host: a.example', 'transfer-encoding: chunked']);
  });
});

describe('Connection', () => {
  for (const value of [
    'x-hop',
    'X-HOP',
    ' , x-hop ,',
    'close,x-hop',
    'x-hop\t,\tx-other',
    'keep-alive, x-hop',
    'x-hop, x-hop',
  ]) {
    test(`${JSON.stringify(value)}: the named headers are not forwarded`, async () => {
      assert.deepEqual(await kept(['X-Hop: 1', `Connection: ${value}`, 'X-Hop: 2', 'X-Hopper: 3']), [
        'x-hopper: 3',
      ]);
    });
  }

  for (const value of ['"x-hop"', 'x-hop;q=1', 'x hop', 'x-hop: 1']) {
    test(`${JSON.stringify(value)} names nothing`, async () => {
      assert.deepEqual(await kept(['X-Hop: 1', `Connection: ${value}`]), ['x-hop: 1']);
    });
  }

  test('neither removes identity headers of the gateway nor lets forged ones through', async () => {
    const bearer = gateway.bearer({ roles: ['a'], groups: 'g' });
    const named = 'Connection: x-user-id, x_user_id, X-Roles, groups, authorization, host';
    assert.deepEqual(
      await kept([named, 'X-User-Id: forged', `Authorization: ${bearer}`, named], 'GET /private'),
      [`authorization: ${bearer}`, 'X-User-Id: user', 'X_Roles: a', 'Groups: g'],
    );
  });

  test('with many names', async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `x-${at}`);
    assert.deepEqual(await kept([`Connection: ${names.join(',')}`, 'X-999: 1', 'X-1000: 2']), ['x-1000: 2']);
  });
});

describe('identity headers', () => {
  const forged = [
    'X-User-Id',
    'x_user_id',
    'X-USER_ID',
    'X.User.Id',
    'x~user|id',
    'X_ROLES',
    'x-roles',
    'X^Roles',
    'gRoUpS',
  ].map((name) => `${name}: forged`);

  for (const route of ['/public', '/plain', '/private']) {
    test(`cannot be forged on ${route}, in any spelling`, async () => {
      const bearer = gateway.bearer();
      const lines = await kept([...forged, `Authorization: ${bearer}`, ...forged], `GET ${route}`);
      const ours = route === '/private' ? ['X-User-Id: user'] : [];
      assert.deepEqual(lines, [`authorization: ${bearer}`, ...ours]);
    });
  }

  test('hold no line break of a claim', async () => {
    const sub = 'a\r\nX-Admin: 1\r\n\r\nGET /evil HTTP/1.1\r\n\0\u2028\u0085';
    const bearer = gateway.bearer({ sub, roles: ['b\nc', 'd\re'], groups: { 'f\r\n': '\0' } });
    for (let again = 0; again < 2; again += 1) {
      assert.deepEqual(await kept([`Authorization: ${bearer}`], 'GET /private'), [
        `authorization: ${bearer}`,
        'X-User-Id: a%0D%0AX-Admin: 1%0D%0A%0D%0AGET /evil HTTP/1.1%0D%0A%00%E2%80%A8%C2%85',
        'X_Roles: b%0Ac,d%0De',
        // JSON has escaped them already.
        'Groups: {"f\\r\\n":"\\u0000"}',
      ]);
    }
  });
});

describe('headers that name another request than the matched one', () => {
  const ofPath = [
    'X-Original-URL: /private',
    'X-Rewrite-URL: /private',
    'X_ORIGINAL_URL: /private',
    'x-original-uri: /private',
    'X-Rewrite-Uri: /private',
    'SCRIPT_NAME: /public',
    'Script-Name: /public',
    'PATH_INFO: /private',
    'X-Script-Name: /public',
  ];
  const ofMethod = [
    'X-HTTP-Method-Override: DELETE',
    'x_http_method_override: DELETE',
    'X-HTTP-Method: DELETE',
    'X-METHOD-OVERRIDE: DELETE',
  ];

  test('of the path are always removed', async () => {
    assert.deepEqual(await kept([...ofPath, 'X-Original-Url-Kept: 1']), ['x-original-url-kept: 1']);
  });

  test('of the method are removed on every route when one route names methods', async () => {
    for (const route of ['/get', '/public']) {
      assert.deepEqual(await kept([...ofMethod, ...ofPath], `GET ${route}`, byMethod.port), []);
    }
  });

  test('of the method pass when no route names methods', async () => {
    assert.deepEqual(
      await kept(ofMethod),
      ofMethod.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())),
    );
  });
});

describe('bytes of a value', () => {
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

  test('UTF-8 inside a value goes upstream byte for byte', async () => {
    const inner = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .filter((text) => !/[\p{Cc}\ufffd]/u.test(text));
    await fc.assert(
      fc.asyncProperty(inner, async (text) => {
        const value = latin1(`<${text}>`);
        assert.deepEqual(await kept([`X-A: ${value}`, 'X-B: 1']), [`x-a: ${value}`, 'x-b: 1']);
      }),
      { numRuns: 60 },
    );
  });

  const edges = byEngine('bytes from 0x80 up', { uws: 'cut off by the engine', node: 'kept' });
  test(`bytes from 0x80 up at its edges are ${edges}`, async () => {
    const value = byEngine('bytes from 0x80 up', { uws: 'ok', node: latin1('é ok é') });
    assert.deepEqual(await kept([`X-A: ${latin1('é ok é')}`]), [`x-a: ${value}`]);
  });

  for (const [name, bytes] of [
    ['a lone byte', '\xff'],
    ['a cut sequence', '\xc3'],
    ['an overlong slash', '\xc0\xaf'],
    ['half a surrogate pair', '\xed\xa0\x80'],
    ['beyond U+10FFFF', '\xf4\x90\x80\x80'],
  ] as const) {
    const isRefused = byEngine('bytes from 0x80 up', { uws: true, node: false });
    test(`${name}, which is not UTF-8: ${isRefused ? '400' : 'byte for byte'}`, async () => {
      if (!isRefused) return assert.deepEqual(await kept([`X-A: a${bytes}b`]), [`x-a: a${bytes}b`]);
      const { response, lines } = await send('GET /public', [`X-A: a${bytes}b`]);
      assert.deepEqual([response.status, lines], [400, undefined]);
      assert.equal(JSON.parse(response.body).code, 'request_malformed');
    });
  }

  test('of a header that is not forwarded may be any', async () => {
    assert.deepEqual(await kept(['Keep-Alive: a\xffb', 'X-A: 1']), ['x-a: 1']);
  });

  for (const [name, bytes] of [
    ['CR', '\r'],
    ['LF', '\n'],
    ['NUL', '\0'],
  ] as const) {
    for (const at of ['X-A: 1<>X-Admin: 1', 'X-A<>: 1', 'X-A: <>1', 'X-A: 1<>']) {
      test(`a bare ${name} in ${JSON.stringify(at)} reaches no upstream`, async () => {
        seen = [];
        const wire = await Wire.open(gateway.port);
        wire.send(`GET /public HTTP/1.1\r\nHost: a.example\r\n${at.replace('<>', bytes)}\r\n\r\n`);
        wire.end();
        await wire.untilClosed();
        wire.close();
        assert.deepEqual(seen, []);
        assert.deepEqual(await kept(['X-A: 1']), ['x-a: 1']);
      });
    }
  }
});

const most = byEngine('the number of header fields', { uws: 98, node: 100 });
test(`${most} header fields go upstream, ${most + 1} are refused with 431`, async () => {
  const fields = (count: number) => Array.from({ length: count - 1 }, (_, at) => `X-${at}: ${at}`);
  assert.equal((await kept(fields(most))).length, most - 1);
  const { response, lines } = await send('GET /public', fields(most + 1));
  assert.deepEqual([response.status, response.closed, lines], [431, true, undefined]);
});

describe('with any headers of a client', () => {
  const identity = ['x-user-id', 'x-roles', 'groups'];
  const dangerous = [
    ...identity,
    'host',
    'content-length',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'upgrade',
    'expect',
    'proxy',
    'proxy-authorization',
    'x-original-url',
    'x-forwarded-for',
    'forwarded',
  ];
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
  const never = new Set(dangerous.filter((name) => !['host', 'content-length'].includes(name)));
  /** A name with letters in any case and any separator for each `-`. */
  const spelled = fc
    .tuple(
      fc.constantFrom(...dangerous),
      fc.array(fc.constantFrom(...'-_.~!|'), { minLength: 4 }),
      fc.bigInt(0n, 2n ** 32n),
    )
    .map(([name, marks, cases]) =>
      [...name]
        .map((letter, at) => {
          if (letter === '-') return marks[at % marks.length];
          return (cases >> BigInt(at)) % 2n === 0n ? letter : letter.toUpperCase();
        })
        .join(''),
    );
  const token = fc.string({
    unit: fc.constantFrom(..."abcXYZ019-_.!#$%&'*+^`|~"),
    minLength: 1,
    maxLength: 20,
  });
  const name = fc.oneof({ weight: 3, arbitrary: spelled }, token);
  const value = fc.oneof(
    fc.constantFrom('forged', '5', '0', 'a.example', 'close', 'chunked', ''),
    fc.array(fc.oneof(spelled, token)).map((names) => names.join(', ')),
    fc.string({ unit: fc.constantFrom(...' !"(),/:;<=>?@[]{}az09'), maxLength: 20 }),
  );
  const lines = fc.array(fc.tuple(name, value), { maxLength: 12 });
  const route = fc.constantFrom('/public', '/plain', '/private');

  test('upstream sees one Host, one length, the identity of the token and no forged one', async () => {
    const bearer = gateway.bearer({ groups: 'g' });
    let forwarded = 0;
    await fc.assert(
      fc.asyncProperty(lines, lines, route, fc.boolean(), async (front, back, prefix, withBody) => {
        const body = withBody ? 'hello' : '';
        const text = (list: readonly (readonly [string, string])[]) =>
          // A wrong length would only wait for more of the body.
          list
            .filter(([key, worth]) => withBody || key.toLowerCase() !== 'content-length' || worth === '0')
            .map((line) => line.join(': '));
        const own = withBody ? ['Content-Length: 5'] : [];
        const result = await send(
          `POST ${prefix}`,
          [...text(front), `Authorization: ${bearer}`, ...own, ...text(back)],
          body,
        );
        if (result.lines === undefined) {
          assert.equal(result.response.status, 400);
          return;
        }
        forwarded += 1;
        assert.equal(result.response.status, 200);
        const names = result.lines.map((line) => plain(line.slice(0, line.indexOf(':'))));
        assert.equal(names.filter((key) => key === 'host').length, 1);
        assert.deepEqual(
          result.lines.filter((line) => plain(line).startsWith('content-length-')),
          [`content-length: ${body.length}`],
        );
        assert.ok(result.lines.includes(`authorization: ${bearer}`));
        const ours = prefix === '/private' ? ['X-User-Id: user', 'Groups: g'] : [];
        assert.deepEqual(
          result.lines.filter((line) => never.has(plain(line.slice(0, line.indexOf(':'))))),
          ours,
        );
      }),
      { numRuns: 150 },
    );
    assert.ok(forwarded > 50, `only ${forwarded} got through`);
  });
});
