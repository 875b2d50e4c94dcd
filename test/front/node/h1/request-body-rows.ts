import { accept, chunked, get, malformed, post, type Row, refuse, tooLarge } from './request-row.ts';

const begun = [{ line: 'POST / HTTP/1.1', complete: false }];
const bad = (name: string, bytes: string, fault = malformed, limits = {}): Row =>
  refuse(name, chunked(bytes), fault, { before: begun, limits });
const trailer = (line: string): string => `0\r\n${line}\r\n\r\n`;

const lengths: readonly Row[] = [
  accept('a length', `${post('Content-Length: 5')}hello`, { framing: 'length 5', body: 'hello' }),
  accept('zeros before a length', `${post('Content-Length: 005')}hello`, {
    framing: 'length 5',
    body: 'hello',
  }),
  accept('the highest length', post('Content-Length: 999999999999999'), {
    framing: 'length 999999999999999',
    complete: false,
  }),
  accept('a body with GET', `${get('Content-Length: 1')}x`, { body: 'x' }),
  accept('the next request after a body', `${post('Content-Length: 2')}hi${get()}`, [
    { body: 'hi' },
    { line: 'GET / HTTP/1.1', body: '' },
  ]),
  accept('an empty line after a body', `${post('Content-Length: 2')}hi\r\n${get()}`, [{ body: 'hi' }, {}]),
  accept('requests one after another', get() + get() + get(), [{}, {}, {}]),
];

const chunks: readonly Row[] = [
  accept('a chunk', chunked('5\r\nhello\r\n0\r\n\r\n'), { framing: 'chunked', body: 'hello' }),
  accept('no chunk', chunked('0\r\n\r\n'), { body: '' }),
  accept('several chunks', chunked('1\r\na\r\nA\r\n0123456789\r\n000b\r\n0123456789a\r\n00\r\n\r\n'), {
    body: 'a01234567890123456789a',
  }),
  accept('12 digits', chunked('000000000001\r\na\r\n000000000000\r\n\r\n'), { body: 'a' }),
  accept('the largest chunk', chunked('ffffffffffff\r\nabc'), { body: 'abc', complete: false }),
  accept('chunked in capitals', `${post('Transfer-Encoding: CHUNKED')}1\r\na\r\n0\r\n\r\n`, { body: 'a' }),
  accept('CRLF as data', chunked('4\r\n\r\n\r\n\r\n0\r\n\r\n'), { body: '\r\n\r\n' }),
  accept('the next request after chunks', `${chunked('1\r\na\r\n0\r\n\r\n')}${get()}`, [
    { body: 'a' },
    { line: 'GET / HTTP/1.1' },
  ]),
  accept('extensions', chunked('1;a\r\na\r\n1;a=b;c="d;\\"\te"\r\nb\r\n0;x\r\n\r\n'), { body: 'ab' }),
  bad('LF after a size', '1\na\r\n0\r\n\r\n'),
  bad('CR after a size', '1\ra\r\n0\r\n\r\n'),
  bad('LF after an extension', '1;a\na\r\n0\r\n\r\n'),
  bad('LF in an extension', '1;a=\nb\r\na\r\n0\r\n\r\n'),
  bad('CR in an extension', '1;a\rb\r\na\r\n0\r\n\r\n'),
  bad('NUL in an extension', '1;a\0\r\na\r\n0\r\n\r\n'),
  bad('an extension without a name', '1;\r\na\r\n0\r\n\r\n'),
  bad('an extension without a value', '1;a=\r\na\r\n0\r\n\r\n'),
  bad('blanks in an extension', '1; a\r\na\r\n0\r\n\r\n'),
  bad('a quote that stays open', '1;a="b\r\na\r\n0\r\n\r\n'),
  bad('a blank after a size', '1 \r\na\r\n0\r\n\r\n'),
  bad('a blank before a size', ' 1\r\na\r\n0\r\n\r\n'),
  bad('a size with +', '+1\r\na\r\n0\r\n\r\n'),
  bad('a size with -', '-1\r\na\r\n0\r\n\r\n'),
  bad('a size with 0x', '0x1\r\na\r\n0\r\n\r\n'),
  bad('a size with _', '1_0\r\na\r\n0\r\n\r\n'),
  bad('a size that is none', 'g\r\na\r\n0\r\n\r\n'),
  bad('an empty size', '\r\na\r\n0\r\n\r\n'),
  bad('13 digits', '0000000000001\r\na\r\n0\r\n\r\n'),
  bad('a size beyond 64 bits', '10000000000000001\r\na\r\n0\r\n\r\n'),
  bad('no CRLF after data', '1\r\na0\r\n\r\n'),
  bad('LF after data', '1\r\na\n0\r\n\r\n'),
  bad('CR after data', '1\r\na\r0\r\n\r\n'),
  bad('data longer than its chunk', '1\r\nab\r\n0\r\n\r\n'),
  bad('LF for the end', '0\r\n\n'),
  bad('LF after the last chunk', '0\n\r\n'),
  bad('CR and another byte for the end', '0\r\n\rX'),
  bad('extensions without an end', `1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`),
  bad('extensions of many chunks', `${`1;${'x'.repeat(4000)}\r\na\r\n`.repeat(5)}0\r\n\r\n`),
];

const refusedTrailers = [
  ...['Transfer-Encoding: chunked', 'Content-Length: 1', 'Host: b', 'Authorization: Bearer x', 'Cookie: a=b'],
  ...[
    'Connection: close',
    'TE: trailers',
    'Trailer: a',
    'Expect: 100-continue',
    'Upgrade: h2c',
    'Range: bytes=0-',
  ],
  ...['content_length: 1', 'Content-Type: text/html', 'If-Match: *', 'Cache-Control: no-store'],
];

const trailers: readonly Row[] = [
  accept('trailers', chunked('1\r\na\r\n0\r\nX-Sum: 1\r\nx-b: \t2 \r\nX-C:\r\n\r\n'), {
    body: 'a',
    trailers: 'x-sum: 1\nx-b: 2\nx-c: ',
  }),
  accept('the next request after trailers', `${chunked(trailer('X-Sum: \xff'))}${get()}`, [
    { trailers: 'x-sum: \xff' },
    { trailers: '' },
  ]),
  accept('a trailer like a refused one', chunked(trailer('X-Content-Length: 1')), {
    trailers: 'x-content-length: 1',
  }),
  accept('a value of blanks', chunked(trailer(`X: ${' '.repeat(9000)}`)), { trailers: 'x: ' }),
  ...refusedTrailers.map((line) => bad(`a trailer ${line}`, trailer(line))),
  bad('a trailer with LF', trailer('X: 1\n')),
  bad('a trailer with CR', trailer('X: 1\r2')),
  bad('a trailer with a fold', trailer('X: 1\r\n 2')),
  bad('a trailer with a bad name', trailer('X Y: 1')),
  bad('a trailer with a blank before the colon', trailer('X : 1')),
  bad('a trailer with an empty name', trailer(': 1')),
  bad('a trailer without a colon', trailer('X')),
  bad('a trailer with NUL', trailer('X: \0')),
  accept(
    'trailers as long as they may be',
    chunked(trailer(`X: ${'y'.repeat(93)}`)),
    {},
    { requestHead: 100 },
  ),
  bad('trailers with a byte more', trailer(`X: ${'y'.repeat(94)}`), tooLarge, { requestHead: 100 }),
  bad('257 trailers', `0\r\n${'X: 1\r\n'.repeat(257)}\r\n`, tooLarge),
];

export const bodies: readonly Row[] = [...lengths, ...chunks, ...trailers];
