import assert from 'node:assert/strict';
import { test } from 'node:test';
import { data, flags, goAwayCode, H2Client, post, requestBlock } from '../client.ts';
import { frame, types } from '../frames.ts';
import { checkRows, errors, type Row } from './rows.ts';

type Fields = readonly (readonly [name: string, value: string])[];

const method: Fields = [[':method', 'GET']];
const scheme: Fields = [[':scheme', 'https']];
const path: Fields = [[':path', '/a?b']];
const authority: Fields = [[':authority', 'example.com']];
const pseudo: Fields = [...method, ...scheme, ...path, ...authority];

const head = (fields: Fields, flag: number = flags.end): Buffer =>
  frame(types.headers, flag, 1, requestBlock(fields));
const malformed = (...fields: Fields): Row => ({ send: [head(fields)], expect: 'malformed' });
const served = (fields: Fields, also?: Row['also']): Row => ({
  send: [head(fields)],
  expect: { requests: 1 },
  ...(also === undefined ? {} : { also }),
});
const headOf = (client: H2Client): H2Client['exchanges'][number]['client']['head'] =>
  client.exchange().client.head;

checkRows('RFC 9113 §8.2: fields', {
  'are handed over in their order, as bytes': served(
    [...pseudo, ['x-b', '\xe9\t\xff'], ['x-a', ''], ['x-b', '2']],
    (client) => {
      assert.deepEqual(headOf(client).names, ['host', 'x-b', 'x-a', 'x-b']);
      assert.deepEqual(headOf(client).values, ['example.com', '\xe9\t\xff', '', '2']);
      assert.equal(headOf(client).charset.encoding, 'latin1');
    },
  ),
  'have no upper-case names (§8.2.1)': malformed(...pseudo, ['X-A', '1']),
  'have no upper-case letter anywhere': malformed(...pseudo, ['x-aA', '1']),
  'have names': malformed(...pseudo, ['', '1']),
  ...Object.fromEntries(
    [
      '\0',
      '\x01',
      '\t',
      '\n',
      '\r',
      ' ',
      '"',
      '(',
      ')',
      ',',
      '/',
      ':',
      ';',
      '=',
      '@',
      '[',
      '{',
      '\x7f',
      '\x80',
      '\xff',
    ].map((byte) => [`have no ${JSON.stringify(byte)} in a name`, malformed(...pseudo, [`x${byte}a`, '1'])]),
  ),
  ...Object.fromEntries(
    ['\0', '\x01', '\x08', '\n', '\x0b', '\r', '\x1f', '\x7f'].map((byte) => [
      `have no ${JSON.stringify(byte)} in a value, however deep`,
      malformed(...pseudo, ['x-a', `${'v'.repeat(3000)}${byte}v`]),
    ]),
  ),
  'have no blank before a value': malformed(...pseudo, ['x-a', ' 1']),
  'have no tab behind a value': malformed(...pseudo, ['x-a', '1\t']),
  'have blanks inside a value': served([...pseudo, ['x-a', '1 \t 2']]),
});

checkRows('RFC 9113 §8.2.2: fields of a connection are refused', {
  connection: malformed(...pseudo, ['connection', 'keep-alive']),
  'keep-alive': malformed(...pseudo, ['keep-alive', 'timeout=5']),
  'proxy-connection': malformed(...pseudo, ['proxy-connection', 'close']),
  'transfer-encoding': malformed(...pseudo, ['transfer-encoding', 'chunked']),
  upgrade: malformed(...pseudo, ['upgrade', 'h2c']),
  'te, but for trailers': malformed(...pseudo, ['te', 'trailers, deflate']),
  'not te: trailers': served([...pseudo, ['te', 'trailers']]),
});

checkRows('RFC 9113 §8.2.3: cookies', {
  'in crumbs make one field, where the first of them stands': served(
    [...pseudo, ['cookie', 'a=1'], ['x-a', '1'], ['cookie', 'b=2; c=3'], ['cookie', 'd=4']],
    (client) => {
      assert.deepEqual(headOf(client).names, ['host', 'cookie', 'x-a']);
      assert.equal(headOf(client).values[1], 'a=1; b=2; c=3; d=4');
    },
  ),
});

checkRows('RFC 9113 §8.3: pseudo-header fields', {
  'are no fields for upstream': served(pseudo, (client) => {
    const { method: verb, path: target, query, host, names } = headOf(client);
    assert.deepEqual([verb, target, query, host], ['GET', '/a', 'b', 'example.com']);
    assert.deepEqual(names, ['host']);
  }),
  'in any order are taken': served([...authority, ...path, ...scheme, ...method]),
  'that are unknown are refused': malformed(...pseudo, [':test', 'a']),
  'of responses are refused': malformed(...pseudo, [':status', '200']),
  'of extended CONNECT are refused': malformed(...pseudo, [':protocol', 'websocket']),
  'behind another field are refused': malformed(...method, ['x-a', '1'], ...scheme, ...path, ...authority),
  'behind host are refused': malformed(...method, ...scheme, ['host', 'example.com'], ...path),
  'twice are refused: method': malformed(...method, ...pseudo),
  'twice are refused: scheme': malformed(...scheme, ...pseudo),
  'twice are refused: path': malformed(...path, ...pseudo),
  'twice are refused: authority': malformed(...authority, ...pseudo),
});

checkRows('RFC 9113 §8.3.1: a request', {
  'has a method': malformed(...scheme, ...path, ...authority),
  'has a scheme': malformed(...method, ...path, ...authority),
  'has a path': malformed(...method, ...scheme, ...authority),
  'has a path that is not empty': malformed(...method, ...scheme, [':path', ''], ...authority),
  'has a path that starts with a slash': malformed(...method, ...scheme, [':path', 'a'], ...authority),
  'has no absolute URL for a path': malformed(...method, ...scheme, [':path', 'http://a/'], ...authority),
  'may ask for the server in general': served(
    [[':method', 'OPTIONS'], ...scheme, [':path', '*'], ...authority],
    (client) => assert.equal(headOf(client).path, '*'),
  ),
  'has no asterisk for a path with another method': malformed(
    ...method,
    ...scheme,
    [':path', '*'],
    ...authority,
  ),
  'has no asterisk with a query': malformed([':method', 'OPTIONS'], ...scheme, [':path', '*?'], ...authority),
  'has no fragment': malformed(...method, ...scheme, [':path', '/a#b'], ...authority),
  'has no blank in its path': malformed(...method, ...scheme, [':path', '/a HTTP/1.1'], ...authority),
  'has no byte above 0x7e in its path': malformed(...method, ...scheme, [':path', '/\xe9'], ...authority),
  'has a scheme of HTTP': malformed(...method, [':scheme', 'ftp'], ...path, ...authority),
  'has a method that is a token': malformed([':method', 'GE T'], ...scheme, ...path, ...authority),
  'has no line end in its method': malformed(
    [':method', 'GET / HTTP/1.1\r\nx: y\r\n'],
    ...scheme,
    ...path,
    ...authority,
  ),
  'does not ask for a tunnel (§8.5)': malformed([':method', 'CONNECT'], ...authority),
  'does not ask for a tunnel with a path': malformed(
    [':method', 'CONNECT'],
    ...scheme,
    ...path,
    ...authority,
  ),
  'is no TRACE': malformed([':method', 'TRACE'], ...scheme, ...path, ...authority),
  'names a host': malformed(...method, ...scheme, ...path),
  'names a host that is not empty': malformed(...method, ...scheme, ...path, [':authority', '']),
  'names no user': malformed(...method, ...scheme, ...path, [':authority', 'user@example.com']),
  'names no path with its host': malformed(...method, ...scheme, ...path, [':authority', 'example.com/x']),
  'names one host': malformed(...method, ...scheme, ...path, [':authority', 'a, b']),
  'may name its host in host alone': served(
    [...method, ...scheme, ...path, ['x-a', '1'], ['host', 'b.example']],
    (client) =>
      assert.deepEqual([headOf(client).host, headOf(client).values], ['b.example', ['b.example', '1']]),
  ),
  'may name the same host twice': served([...pseudo, ['host', 'example.com']], (client) =>
    assert.deepEqual(headOf(client).names, ['host']),
  ),
  'names no two hosts': malformed(...pseudo, ['host', 'example.org']),
  'names no host in two fields': malformed(...pseudo, ['host', 'example.com'], ['host', 'example.com']),
});

const body = flags.endHeaders;

checkRows('RFC 9113 §8.1.1: Content-Length', {
  'that the body has is taken': {
    send: [post(1, ['content-length', '3']), data(1, 'ab'), data(1, 'c', true)],
    expect: { requests: 1 },
    also: (client) => assert.deepEqual([headOf(client).framing, headOf(client).contentLength], ['length', 3]),
  },
  'of 0 without a body is taken': served([...pseudo, ['content-length', '0']], (client) =>
    assert.equal(headOf(client).framing, 'none'),
  ),
  'of 0 with an empty body is taken': {
    send: [head([...pseudo, ['content-length', '0']], body), data(1, '', true)],
    expect: { requests: 1 },
    also: (client) => assert.equal(headOf(client).framing, 'none'),
  },
  'absent means a body of any length': {
    send: [post(1), data(1, 'abc', true)],
    expect: { requests: 1 },
    also: (client) => assert.equal(headOf(client).framing, 'chunked'),
  },
  'without a body is refused': malformed(...pseudo, ['content-length', '1']),
  'longer than the body is refused': {
    send: [post(1, ['content-length', '3']), data(1, 'ab', true)],
    expect: { reset: errors.protocol },
    also: (client) =>
      assert.deepEqual([client.exchange().aborted, client.exchange().complete], [true, false]),
  },
  'longer than the body of many frames is refused': {
    send: [post(1, ['content-length', '4']), data(1, 'ab'), data(1, 'c', true)],
    expect: { reset: errors.protocol },
  },
  'shorter than the body is refused': {
    send: [post(1, ['content-length', '3']), data(1, 'ab'), data(1, 'cd', true)],
    expect: { reset: errors.protocol },
    also: (client) => assert.equal(client.exchange().complete, false),
  },
  'of 0 with a body is refused': {
    send: [head([...pseudo, ['content-length', '0']], body), data(1, 'x', true)],
    expect: { reset: errors.protocol },
  },
  'longer than a body that ends with trailers is refused': {
    send: [post(1, ['content-length', '3']), data(1, 'ab'), head([['x-t', '1']])],
    expect: { reset: errors.protocol },
  },
  'twice is refused': malformed(...pseudo, ['content-length', '0'], ['content-length', '0']),
  ...Object.fromEntries(
    ['', '+1', '-1', '0x1', '1,1', '1 1', '1e1', '9'.repeat(16)].map((value) => [
      `of ${JSON.stringify(value)} is refused`,
      malformed(...pseudo, ['content-length', value]),
    ]),
  ),
});

checkRows('RFC 9113 §8.1: trailers', {
  'end a request, and are handed over before its end': {
    send: [
      post(1),
      data(1, 'x'),
      head([
        ['x-t', '1'],
        ['x-u', ''],
      ]),
    ],
    expect: { requests: 1 },
    also: (client) => {
      const { body, complete, trailers } = client.exchange();
      assert.deepEqual([body, complete], ['x', true]);
      assert.deepEqual(trailers, { names: ['x-t', 'x-u'], values: ['1', ''] });
    },
  },
  'end a request without DATA': { send: [post(1), head([['x-t', '1']])], expect: { requests: 1 } },
  'end the stream': { send: [post(1), head([['x-t', '1']], body)], expect: { reset: errors.protocol } },
  'have no pseudo-header fields': {
    send: [post(1), data(1, 'x'), head([...method])],
    expect: { reset: errors.protocol },
  },
  'have no upper-case names': { send: [post(1), head([['X-T', '1']])], expect: { reset: errors.protocol } },
  'have no fields of a connection': {
    send: [post(1), head([['connection', 'x']])],
    expect: { reset: errors.protocol },
  },
  ...Object.fromEntries(
    [
      ...['authorization', 'cookie', 'host', 'content-length', 'expect', 'te', 'trailer', 'range'],
      ...['content-type', 'content-encoding', 'cache-control', 'max-forwards', 'if-match', 'set-cookie'],
    ].map((name) => [
      `have no ${name}, which belongs before the body (RFC 9110 §6.5.1)`,
      {
        send: [
          post(1),
          data(1, 'x'),
          head([
            ['x-t', '1'],
            [name, name === 'te' ? 'trailers' : '1'],
          ]),
        ],
        expect: { reset: errors.protocol },
        also: (client: H2Client) => assert.equal(client.exchange().trailers, undefined),
      },
    ]),
  ),
  'are no larger than a head': {
    send: [post(1), head(Array.from({ length: 20 }, () => ['x-t', 'v'.repeat(800)] as const))],
    expect: { reset: errors.protocol },
  },
});

test('a head beyond its limits gets a reply, and the connection goes on', async () => {
  const client = new H2Client();
  const large = Array.from({ length: 20 }, () => ['x-a', 'v'.repeat(800)] as const);
  client.send(head([...pseudo, ...large]));
  assert.equal(headOf(client).fault, 'request_head_too_large');
  assert.deepEqual(headOf(client).names, ['host']);
  assert.equal(client.exchange().replied, true);
  client.send(frame(types.headers, flags.end, 3, requestBlock(pseudo)));
  assert.equal(client.exchange(1).client.head.fault, undefined);
  assert.equal(goAwayCode(await client.frames()), undefined);
});
