import {
  accept,
  behind,
  chunked,
  head,
  lenient,
  type Outcome,
  ok,
  pending,
  type Row,
  refuse,
  stricter,
} from './response-row.ts';

const started: Partial<Outcome> = { framing: 'chunked' };
const tight = ok('Content-Length: 0', 'A: 1');
const early = head('HTTP/1.1 100 Continue');

export const framings: Row[] = [
  accept('fixed length', `${ok('Content-Length: 5')}hello`, { body: 'hello' }),
  accept('fixed length in any case', `${ok('content-LENGTH:\t 5 ')}hello`, { body: 'hello' }),
  accept('leading zeros in a length', `${ok('Content-Length: 0005')}hello`, { body: 'hello' }),
  accept('length 0', ok('Content-Length: 0'), {}),
  accept('bytes behind the message', `${ok('Content-Length: 2')}hi`, { body: 'hi', excess: 'HTTP/1.1 200 ' }),
  accept(
    'bytes behind a chunked message',
    `${chunked}1\r\na\r\n0\r\n\r\n`,
    { framing: 'chunked', body: 'a', excess: '0\r\n\r\n' },
    { differs: behind },
  ),
  accept('fixed length cut short', `${ok('Content-Length: 9')}hello`, {
    body: 'hello',
    length: 9,
    complete: false,
  }),
  accept(
    'fixed length ended early',
    `${ok('Content-Length: 9')}hello`,
    { body: 'hello', length: 9, complete: false },
    { eof: true },
  ),
  accept(
    'largest length',
    `${ok('Content-Length: 999999999999999')}x`,
    { body: 'x', length: 999_999_999_999_999, complete: false },
    { eof: true },
  ),
  accept(
    'until close',
    `${ok('A: 1')}hello`,
    { headers: 'A: 1', framing: 'close', keepAlive: false, body: 'hello' },
    { eof: true },
  ),
  accept(
    'until close, still open',
    `${ok()}hello`,
    { framing: 'close', keepAlive: false, body: 'hello', complete: false },
    { differs: 'Node sees the connection end' },
  ),
  accept('until close, empty', ok(), { framing: 'close', keepAlive: false }, { eof: true }),
  pending('head cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r'),
  accept('HEAD with a length', ok('Content-Length: 5'), { framing: 'none', length: 5 }, { method: 'HEAD' }),
  accept('HEAD with chunked', chunked, { framing: 'none' }, { method: 'HEAD' }),
  accept('HEAD with neither', ok(), { framing: 'none' }, { method: 'HEAD' }),
  accept('304 with a length', head('HTTP/1.1 304 Not Modified', 'Content-Length: 5', 'ETag: "a"'), {
    status: '304 Not Modified',
    headers: 'ETag: "a"',
    framing: 'none',
    length: 5,
  }),
  accept('304 with chunked', head('HTTP/1.1 304 Not Modified', 'Transfer-Encoding: chunked'), {
    status: '304 Not Modified',
    framing: 'none',
  }),
  accept('204', head('HTTP/1.1 204 No Content'), { status: '204 No Content', framing: 'none' }),
  accept('204 with length 0', head('HTTP/1.1 204 No Content', 'Content-Length: 0'), {
    status: '204 No Content',
    framing: 'none',
  }),
  accept(
    '204 with a length, and the body that it announces',
    head('HTTP/1.1 204 No Content', 'Content-Length: 5'),
    { status: '204 No Content', framing: 'none', keepAlive: false, excess: 'hello' },
    { differs: behind },
  ),
  accept(
    '204 with chunked',
    head('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked'),
    { status: '204 No Content', framing: 'none', keepAlive: false, excess: '0\r\n\r\n' },
    { differs: behind },
  ),
  accept('205 with length 0', head('HTTP/1.1 205 Reset', 'Content-Length: 0'), { status: '205 Reset' }),
  accept('204 with a length', head('HTTP/1.1 204 No Content', 'Content-Length: 3'), {
    status: '204 No Content',
    framing: 'none',
    keepAlive: false,
  }),
  refuse(
    '204 with two lengths',
    head('HTTP/1.1 204 N', 'Content-Length: 0', 'Content-Length: 3'),
    'two_lengths',
  ),
  refuse('two lengths', `${ok('Content-Length: 5', 'Content-Length: 6')}hello`, 'two_lengths'),
  accept(
    'two equal lengths',
    `${ok('Content-Length: 5', 'content-length: 5')}hello`,
    { body: 'hello' },
    { differs: stricter },
  ),
  accept(
    'list of equal lengths',
    `${ok('Content-Length: 5 ,\t5,5', 'A: 1')}hello`,
    { body: 'hello', headers: 'A: 1' },
    { differs: stricter },
  ),
  refuse(
    'equal lengths and another',
    `${ok('Content-Length: 5, 5', 'Content-Length: 6')}hello`,
    'two_lengths',
  ),
  refuse('equal lengths and another in one list', `${ok('Content-Length: 5, 5, 6')}hello`, 'two_lengths'),
  refuse('equal lengths in two spellings', `${ok('Content-Length: 5, 05')}hello`, 'two_lengths'),
  refuse('lengths with an empty one between', `${ok('Content-Length: 5,,5')}hello`, 'content_length'),
  refuse(
    'equal lengths and chunked',
    ok('Content-Length: 0, 0', 'Transfer-Encoding: chunked'),
    'length_and_chunked',
  ),
  refuse('length with a sign', `${ok('Content-Length: +5')}hello`, 'content_length'),
  refuse('negative length', `${ok('Content-Length: -5')}hello`, 'content_length'),
  refuse('hexadecimal length', `${ok('Content-Length: 0x5')}hello`, 'content_length'),
  refuse('length with a space', `${ok('Content-Length: 5 5')}hello`, 'content_length'),
  refuse('empty length', ok('Content-Length: '), 'content_length', { eof: true }),
  refuse('length of 16 digits', `${ok('Content-Length: 0000000000000005')}hello`, 'content_length', {
    differs: lenient,
  }),
  accept(
    'two equal lengths for HEAD',
    ok('Content-Length: 5', 'Content-Length: 5'),
    { framing: 'none', length: 5 },
    { method: 'HEAD', differs: stricter },
  ),
  refuse('two lengths for HEAD', ok('Content-Length: 5', 'Content-Length: 6'), 'two_lengths', {
    method: 'HEAD',
  }),
  refuse('length and chunked', ok('Content-Length: 5', 'Transfer-Encoding: chunked'), 'length_and_chunked'),
  refuse('chunked and length', ok('Transfer-Encoding: chunked', 'Content-Length: 0'), 'length_and_chunked'),
  refuse(
    'length and chunked for HEAD',
    ok('Content-Length: 5', 'Transfer-Encoding: chunked'),
    'length_and_chunked',
    {
      method: 'HEAD',
    },
  ),
  ...[
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'chunked,',
    '',
  ].map((coding) =>
    refuse(
      `transfer coding ${coding}`,
      `${ok(`Transfer-Encoding: ${coding}`)}1\r\na\r\n0\r\n\r\n`,
      'transfer_encoding',
      { eof: true, differs: lenient },
    ),
  ),
  refuse(
    'two transfer codings',
    `${ok('Transfer-Encoding: chunked', 'transfer-encoding: chunked')}0\r\n\r\n`,
    'two_transfer_encodings',
    { differs: lenient },
  ),
  refuse(
    'chunked in HTTP/1.0',
    `${head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    'chunked_in_http_1_0',
    { differs: lenient },
  ),
  refuse('answer to CONNECT', ok(), 'tunnel', { method: 'CONNECT', differs: 'Node opens the tunnel' }),
  accept(
    'refusal of CONNECT',
    head('HTTP/1.1 405 No', 'Content-Length: 0'),
    { status: '405 No' },
    { method: 'CONNECT', differs: 'Node takes any answer for a tunnel' },
  ),
];

export const chunks: Row[] = [
  accept('chunks', `${chunked}5\r\nhello\r\nA\r\n, world...\r\n0\r\n\r\n`, {
    ...started,
    body: 'hello, world...',
  }),
  accept('chunked in any case', `${ok('TRANSFER-encoding: Chunked ')}0\r\n\r\n`, started),
  accept('chunk size in both cases', `${chunked}0a\r\n0123456789\r\n0A\r\n0123456789\r\n00\r\n\r\n`, {
    ...started,
    body: '01234567890123456789',
  }),
  accept('chunk size of 16 digits', `${chunked}0000000000000001\r\na\r\n0000000000000000\r\n\r\n`, {
    ...started,
    body: 'a',
  }),
  accept('extensions', `${chunked}1;a=b;c="d;\xff\t"\r\na\r\n0;z\r\n\r\n`, { ...started, body: 'a' }),
  accept('plain extension', `${chunked}1;a=b\r\na\r\n0;z\r\n\r\n`, { ...started, body: 'a' }),
  accept(
    'white space before an extension',
    `${chunked}1 \t;a=b\r\na\r\n0\r\n\r\n`,
    { ...started, body: 'a' },
    {
      differs: 'Node refuses white space behind the size',
    },
  ),
  accept('trailers are dropped', `${chunked}0\r\nA: 1\r\nB:\r\n\r\n`, started),
  accept('framing in a trailer', `${chunked}0\r\nContent-Length: 7\r\n\r\n`, started, {
    differs: 'Node refuses it, although a dropped trailer frames nothing',
  }),
  accept('chunk looks like the end', `${chunked}5\r\n0\r\n\r\n\r\n0\r\n\r\n`, {
    ...started,
    body: '0\r\n\r\n',
  }),
  accept('body cut short', `${chunked}5\r\nhe`, { ...started, body: 'he', complete: false }, { eof: true }),
  accept(
    'cut before the last line',
    `${chunked}1\r\na\r\n0\r\n`,
    { ...started, body: 'a', complete: false },
    { eof: true },
  ),
  refuse('chunk size of 17 digits', `${chunked}00000000000000001\r\na\r\n0\r\n\r\n`, 'chunk_size', {
    seen: started,
    differs: lenient,
  }),
  refuse('chunk size above 2^48', `${chunked}1000000000001\r\na`, 'chunk_size', { seen: started }),
  refuse('empty chunk size', `${chunked}\r\na\r\n`, 'chunk_size', { seen: started }),
  refuse('extension without size', `${chunked};a\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('negative chunk size', `${chunked}-1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('chunk size with a sign', `${chunked}+1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('chunk size with 0x', `${chunked}0x1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('chunk size with an underscore', `${chunked}1_0\r\na`, 'chunk_size', { seen: started }),
  refuse('space before the chunk size', `${chunked} 1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  ...[' ', '\t', ' \t ', ' '.repeat(16)].map((blanks) =>
    accept(
      `${blanks.length} blanks behind the chunk size, ${JSON.stringify(blanks)}`,
      `${chunked}1${blanks}\r\na\r\n0${blanks}\r\n\r\n`,
      { ...started, body: 'a' },
      { differs: 'Node refuses white space behind the size' },
    ),
  ),
  refuse('17 blanks behind the chunk size', `${chunked}1${' '.repeat(17)}\r\na\r\n0\r\n\r\n`, 'chunk_size', {
    seen: started,
  }),
  refuse('bare LF behind padding', `${chunked}1  \na\r\n0\r\n\r\n`, 'bare_lf', { seen: started }),
  refuse('bare CR behind padding', `${chunked}1  \ra\r\n0\r\n\r\n`, 'bare_cr', { seen: started }),
  refuse('a digit behind padding', `${chunked}1  1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('bare LF behind the chunk size', `${chunked}1\na\r\n0\r\n\r\n`, 'bare_lf', { seen: started }),
  refuse('bare CR behind the chunk size', `${chunked}1\ra\r\n0\r\n\r\n`, 'bare_cr', { seen: started }),
  refuse('bare LF in an extension', `${chunked}1;a\na\r\n0\r\n\r\n`, 'bare_lf', { seen: started }),
  refuse('bare CR in an extension', `${chunked}1;a\rb\r\na\r\n0\r\n\r\n`, 'bare_cr', { seen: started }),
  refuse('NUL in an extension', `${chunked}1;a\0\r\na\r\n0\r\n\r\n`, 'chunk_extension', { seen: started }),
  refuse('chunk longer than its size', `${chunked}1\r\nab\r\n0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'a' },
  }),
  refuse('bare LF behind a chunk', `${chunked}1\r\na\n0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'a' },
  }),
  refuse('CR without LF behind a chunk', `${chunked}1\r\na\rX0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'a' },
  }),
  refuse('bare LF behind the last chunk', `${chunked}0\r\n\n`, 'bare_lf', { seen: started }),
  refuse('bytes that are no trailer', `${chunked}0\r\nX@`, 'header_name', { seen: started }),
  accept('trailer cut short', `${chunked}0\r\nXX`, { ...started, complete: false }, { eof: true }),
  refuse('request line as trailer', `${chunked}0\r\nGET / HTTP/1.1\r\n\r\n`, 'header_name', {
    seen: started,
  }),
  refuse('continued trailer', `${chunked}0\r\nA: 1\r\n 2\r\n\r\n`, 'folded_line', {
    seen: started,
  }),
  refuse('control in a trailer', `${chunked}0\r\nA: \x01\r\n\r\n`, 'header_value', { seen: started }),
  refuse('257 trailers', `${chunked}0\r\n${'A: 1\r\n'.repeat(257)}\r\n`, 'header_count', {
    seen: started,
    differs: lenient,
  }),
  accept('16 KiB of extensions', `${chunked}1;${'x'.repeat(8191)}\r\na\r\n0;${'y'.repeat(8193)}\r\n\r\n`, {
    ...started,
    body: 'a',
  }),
  refuse(
    'more than 16 KiB of extensions',
    `${chunked}1;${'x'.repeat(8191)}\r\na\r\n0;${'y'.repeat(8194)}\r\n\r\n`,
    'chunk_extension',
    {
      seen: { ...started, body: 'a' },
      differs: lenient,
    },
  ),
  refuse('17 blanks before an extension', `${chunked}1${' '.repeat(17)};\r\na\r\n0\r\n\r\n`, 'chunk_size', {
    seen: started,
  }),
];

export const limits: Row[] = [
  accept('head as long as the limit', tight, { headers: 'A: 1' }, { limit: tight.length }),
  refuse('head one byte too long', tight, 'head_too_large', { limit: tight.length - 1, differs: lenient }),
  refuse('head that never ends', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(300)}`, 'head_too_large', {
    limit: 256,
  }),
  refuse('a fault inside the limit comes first', ok('A : 1', 'B: 2'), 'header_name', { limit: 24 }),
  accept(
    'interim responses count',
    early + tight,
    { headers: 'A: 1' },
    { limit: early.length + tight.length },
  ),
  refuse('interim responses fill the limit', early + tight, 'head_too_large', {
    limit: early.length + tight.length - 1,
    differs: lenient,
  }),
  refuse('an interim response as long as the limit', early + tight, 'head_too_large', {
    limit: early.length,
    differs: lenient,
  }),
  accept(
    'the body does not count',
    ok('Content-Length: 99') + 'x'.repeat(99),
    { body: 'x'.repeat(99) },
    { limit: 64 },
  ),
  accept('trailers count', `${chunked}0\r\nA: 1\r\n\r\n`, started, { limit: chunked.length + 8 }),
  refuse('trailers fill the limit', `${chunked}0\r\nA: 1\r\n\r\n`, 'trailer_too_large', {
    limit: chunked.length + 7,
    seen: started,
    differs: lenient,
  }),
  refuse('no room for the end of the trailers', `${chunked}0\r\n\r\n`, 'trailer_too_large', {
    limit: chunked.length,
    seen: started,
    differs: lenient,
  }),
];
