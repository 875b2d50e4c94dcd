import {
  afterResponse,
  badHead,
  carried,
  head,
  malformed,
  type OnNode,
  type Options,
  page,
  passed,
  type Row,
  refused,
  sent,
  smuggled,
  waits,
} from './request-row.ts';

/** Bytes that limits.requestHead of the tests' gateway allows. */
export const HEAD_BYTES = 16 * 1024;

/** A head of exactly `bytes` bytes, and the value of its long field. */
function long(bytes: number): readonly [bytes: string, value: string] {
  const value = 'a'.repeat(bytes - head('GET /x', 'X-Long: ').length);
  return [head('GET /x', `X-Long: ${value}`), value];
}
const [atLimit, atLimitValue] = long(HEAD_BYTES);
/** The same of letters of two bytes each, which the engine hands over as one character. */
function longLetters(bytes: number): readonly [bytes: string, value: string] {
  const letters = '\xc3\xa9'.repeat((bytes - head('GET /x', 'X-Long: aab').length) >> 1);
  const value = `a${letters}b`;
  const rest = bytes - head('GET /x', `X-Long: ${value}`).length;
  return [head('GET /x', `X-Long: ${'a'.repeat(rest)}${value}`), 'a'.repeat(rest) + value];
}
const [lettersAtLimit, lettersAtLimitValue] = longLetters(HEAD_BYTES);
const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `x-${at}: ${at}`);

const tooLarge: Options = {
  responses: ['431 request_head_too_large'],
  end: 'closed',
  counted: ['request_head_too_large'],
};

export const sizes: readonly Row[] = [
  carried('head exactly at the limit', atLimit, sent('GET /x', `x-long: ${atLimitValue}`)),
  carried('head one byte above the limit', long(HEAD_BYTES + 1)[0], [], tooLarge),
  carried(
    'head of UTF-8 exactly at the limit',
    lettersAtLimit,
    sent('GET /x', `x-long: ${lettersAtLimitValue}`),
  ),
  carried('head of UTF-8 one byte above the limit', longLetters(HEAD_BYTES + 1)[0], [], tooLarge),
  carried('target above the limit', head(`GET /${'a'.repeat(HEAD_BYTES)}`), [], tooLarge),
  carried('query above the limit', head(`GET /x?${'a'.repeat(HEAD_BYTES)}`), [], tooLarge),
  carried('head as large as the engine takes', long(2 * HEAD_BYTES)[0], [], tooLarge),
  page('head larger than the engine takes', long(2 * HEAD_BYTES + 1)[0], 431),
  page('head without an end', long(2 * HEAD_BYTES + 5)[0].slice(0, -4), 431),
  carried('98 fields', head('GET /x', ...many(97)), sent('GET /x', ...many(97))),
  page('99 fields', head('GET /x', ...many(98)), 431, {
    node: passed('the number of header fields', sent('GET /x', ...many(98))),
  }),
  page('100 fields', head('GET /x', ...many(99)), 431, {
    node: passed('the number of header fields', sent('GET /x', ...many(99))),
  }),
  page('101 fields', head('GET /x', ...many(100)), 431),
];

export const fields: readonly Row[] = [
  carried(
    'names in lower case, in their order',
    head('GET /x', 'X-B: 1', 'x-A: 2', 'X-B: 3'),
    sent('GET /x', 'x-b: 1', 'x-a: 2', 'x-b: 3'),
  ),
  carried('TAB in a value', head('GET /x', 'X-T: a\tb'), sent('GET /x', 'x-t: a\tb')),
  carried('blanks around a value', head('GET /x', 'X-T: \t a \t'), sent('GET /x', 'x-t: a')),
  carried('DEL in a value', head('GET /x', 'X-T: a\x7fb'), sent('GET /x', 'x-t: a\x7fb'), {
    node: refused(400, 'request_malformed', 'DEL in a value'),
  }),
  carried('empty value', head('GET /x', 'X-T:'), sent('GET /x', 'x-t: ')),
  carried(
    'every token character in a name',
    head('GET /x', "!#$%&'*+-.^_`|~09AZaz: 1"),
    sent('GET /x', "!#$%&'*+-.^_`|~09azaz: 1"),
  ),
  page('folded line', head('GET /x', 'X-A: b\r\n c'), 400),
  page('line that begins with TAB', head('GET /x', '\tX-A: b'), 400),
  page('line that begins with a space', head('GET /x', ' X-A: b'), 400),
  page('first line that begins with a space', 'GET /x HTTP/1.1\r\n Host: a.example\r\n\r\n', 400),
  page('space before the colon', head('GET /x', 'X-A : b'), 400),
  page('no colon', head('GET /x', 'X-A'), 400),
  page('NUL in a value', head('GET /x', 'X-A: b\0c'), 400),
  page('control character in a value', head('GET /x', 'X-A: b\x01c'), 400),
  page('NUL in a name', head('GET /x', 'X\0A: b'), 400),
  page('control character in a name', head('GET /x', 'X\x01A: b'), 400),
  page('DEL in a name', head('GET /x', 'X\x7fA: b'), 400),
  page('byte from 0x80 up in a name', head('GET /x', 'X-\xe9: b'), 400),
  page('( in a name', head('GET /x', 'X(A: b'), 400),
  page('@ in a name', head('GET /x', 'X@A: b'), 400),
  page('bare LF behind a value', head('GET /x', 'X-A: b\nX-B: c'), 400),
  page('bare LF at the end of the head', 'GET /x HTTP/1.1\nHost: a.example\n\n', 505),
  waits('bare CR in a value', head('GET /x', 'X-A: b\rX-B: c'), { node: badHead }),
  waits('CR CR LF behind a value', head('GET /x', 'X-A: b\r'), { node: badHead }),
];

const kept = (value: string): { node: OnNode } => ({
  node: passed('bytes from 0x80 up', sent('GET /x', `x-a: ${value}`)),
});
const notKept = { node: refused(400, 'request_malformed', 'bytes from 0x80 up') };

/** uWebSockets.js drops bytes from 0x80 up at the edges before it hands a value over. */
export const eightBits: readonly Row[] = [
  carried('UTF-8 inside a value', head('GET /x', 'X-A: a\xc3\xa9b'), sent('GET /x', 'x-a: a\xc3\xa9b')),
  carried(
    'bytes from 0x80 up at the end of a value are lost',
    head('GET /x', 'X-A: caf\xc3\xa9'),
    sent('GET /x', 'x-a: caf'),
    kept('caf\xc3\xa9'),
  ),
  carried(
    'bytes from 0x80 up at the start of a value are lost',
    head('GET /x', 'X-A: \xc3\xa9t'),
    sent('GET /x', 'x-a: t'),
    kept('\xc3\xa9t'),
  ),
  carried(
    'a value of bytes from 0x80 up alone is lost',
    head('GET /x', 'X-A: \xff\xfe'),
    sent('GET /x', 'x-a: '),
    kept('\xff\xfe'),
  ),
  malformed('a value that is not UTF-8', head('GET /x', 'X-A: a\xffb'), kept('a\xffb')),
  carried(
    'a byte behind the length is lost',
    `${head('POST /x', 'Content-Length: 3\xa0')}abc`,
    `${sent('POST /x', 'content-length: 3')}abc`,
    notKept,
  ),
  carried(
    'a byte behind the host is lost',
    'GET /x HTTP/1.1\r\nHost: a.example\xff\r\n\r\n',
    sent('GET /x'),
    notKept,
  ),
];

const notHidden = { node: refused(400, 'request_malformed', 'an empty field name') };

/** uWebSockets.js ends the list of fields at an empty name: later fields are invisible, and so is the body that they announce. */
export const emptyNames: readonly Row[] = [
  carried(
    'an empty name hides the fields behind it',
    head('GET /x', ': x', 'X-A: b'),
    sent('GET /x'),
    notHidden,
  ),
  page('an empty name before Host', 'GET /x HTTP/1.1\r\n: x\r\nHost: a.example\r\n\r\n', 400),
  carried(
    'an empty name hides the length, and the body is a request of its own',
    [
      head('POST /x', ': x', `Content-Length: ${head('GET /second').length}`),
      afterResponse,
      head('GET /second'),
    ],
    [sent('POST /x', 'content-length: 0'), sent('GET /second')],
    notHidden,
  ),
  carried('a hidden token is none', head('GET /x', ': x', 'Authorization: {bearer}'), [], {
    ...notHidden,
    gateway: 'guarded',
    responses: ['401 token_missing'],
    counted: ['token_missing'],
  }),
  carried(
    'a hidden body is judged on its own',
    [
      head('POST /x', 'Authorization: {bearer}', ': x', `Content-Length: ${smuggled.length}`),
      afterResponse,
      smuggled,
    ],
    sent('POST /x', 'authorization: {bearer}', 'content-length: 0'),
    {
      ...notHidden,
      gateway: 'guarded',
      responses: ['200', '401 token_missing'],
      counted: ['forwarded', 'token_missing'],
    },
  ),
];

const ambiguous = {
  end: 'closed',
  responses: ['400 authorization_ambiguous'],
  counted: ['authorization_ambiguous'],
} as const;

export const authorizations: readonly Row[] = [
  carried(
    'two good Authorization',
    head('GET /x', 'Authorization: {bearer}', 'Authorization: {bearer}'),
    [],
    { gateway: 'guarded', ...ambiguous },
  ),
  carried(
    'a good Authorization and an empty one',
    head('GET /x', 'Authorization: {bearer}', 'Authorization:'),
    [],
    { gateway: 'guarded', ...ambiguous },
  ),
  carried(
    'a broken Authorization and a good one',
    head('GET /x', 'Authorization: x', 'AUTHORIZATION: {bearer}'),
    [],
    { gateway: 'guarded', ...ambiguous },
  ),
  carried(
    'two good Authorization in the style of HAProxy',
    head('GET /x', 'Authorization: {bearer}', 'Authorization: {bearer}'),
    [],
    { gateway: 'haproxy', responses: ['403 Invalid JWT signature'], counted: ambiguous.counted },
  ),
  carried(
    'two Authorization on a public route are not ours to judge',
    head('GET /x', 'Authorization: a', 'Authorization: b'),
    sent('GET /x', 'authorization: a', 'authorization: b'),
  ),
  carried(
    'a byte behind the token is lost',
    head('GET /x', 'Authorization: {bearer}\xa0'),
    sent('GET /x', 'authorization: {bearer}'),
    {
      gateway: 'guarded',
      node: {
        differs: 'bytes from 0x80 up',
        responses: ['401 token_malformed'],
        upstream: [],
        counted: ['token_malformed'],
      },
    },
  ),
];

const hosted = (...lines: string[]): string => `${['GET /x HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`;

export const hosts: readonly Row[] = [
  page('no fields at all', hosted(), 400),
  page('no Host', hosted('X-A: b'), 400),
  page('two Host', hosted('Host: a.example', 'Host: b.example'), 400),
  page('the same Host twice', hosted('Host: a.example', 'Host: a.example'), 400),
  malformed('empty Host', hosted('Host:')),
  malformed('Host with a path and credentials', hosted('Host: a/../@evil b')),
  malformed('Host with credentials', hosted('Host: user@a.example')),
  malformed('Host list', hosted('Host: a.example, b.example')),
  malformed('Host with a port of letters', hosted('Host: a.example:http')),
  carried(
    'Host with an empty port',
    hosted('Host: a.example:'),
    'GET /x HTTP/1.1\r\nhost: a.example:\r\n\r\n',
  ),
  malformed('Host with two colons', hosted('Host: a.example::')),
  malformed('Host of a colon alone', hosted('Host: :')),
  malformed('Host with a port of six digits', hosted('Host: a.example:123456')),
  malformed('Host with an empty port and a blank inside', hosted('Host: a.example: 1')),
  malformed('Host with a broken IPv6 address', hosted('Host: [::1')),
  malformed('Host with UTF-8', hosted('Host: a\xc3\xa9.example')),
];
