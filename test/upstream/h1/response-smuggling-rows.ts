import {
  accept,
  behind,
  chunked,
  head,
  last,
  lenient,
  type Outcome,
  ok,
  pending,
  type Row,
  refuse,
} from './response-row.ts';

const started: Partial<Outcome> = { framing: 'chunked' };
const next = 'HTTP/1.1 200 OK\r\nX-Poison: 1\r\n\r\n';

/** Responses in another protocol, or in none. */
export const foreignResponses: Row[] = [
  refuse('HTTP/0.9 answer', '<html>hello</html>', 'status_line', { eof: true }),
  refuse('HTTP/2 frames', '\0\0\x12\x04\0\0\0\0\0', 'status_line'),
  refuse('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'status_line'),
  refuse('HTTP/2 status line', head('HTTP/2 200 OK', 'Content-Length: 0'), 'http_version'),
  refuse('TLS alert', '\x15\x03\x01\0\x02\x02\x46', 'status_line'),
  refuse('ICY', head('ICY 200 OK', 'Content-Length: 0'), 'status_line'),
  refuse('byte order mark', `\xef\xbb\xbf${ok('Content-Length: 0')}`, 'status_line'),
  refuse('space first', ` ${ok('Content-Length: 0')}`, 'status_line'),
  refuse('NUL first', `\0${ok('Content-Length: 0')}`, 'status_line'),
  refuse('bare LF first', `\n${ok('Content-Length: 0')}`, 'status_line', { differs: lenient }),
  refuse('no version', head('HTTP 200 OK', 'Content-Length: 0'), 'status_line'),
  refuse('HTTP/1,1', head('HTTP/1,1 200 OK', 'Content-Length: 0'), 'status_line'),
  refuse('HTTP/01.1', head('HTTP/01.1 200 OK', 'Content-Length: 0'), 'http_version'),
  refuse('HTTP/1.1 without a code', head('HTTP/1.1'), 'status_line'),
  refuse('tab before the code', head('HTTP/1.1\t200 OK', 'Content-Length: 0'), 'status_line'),
  refuse('status 000', head('HTTP/1.1 000 OK', 'Content-Length: 0'), 'status_code', { differs: lenient }),
  refuse('status 1000', head('HTTP/1.1 1000 OK', 'Content-Length: 0'), 'status_code'),
  refuse('negative status', head('HTTP/1.1 -20 OK', 'Content-Length: 0'), 'status_code'),
  refuse('hexadecimal status', head('HTTP/1.1 0xC OK', 'Content-Length: 0'), 'status_code'),
  refuse('two CR behind the status line', 'HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n', 'bare_cr'),
  refuse('continued status line', 'HTTP/1.1 200\r\n OK\r\nContent-Length: 0\r\n\r\n', 'folded_line'),
  refuse('status line that never ends', `HTTP/1.1 200 ${'x'.repeat(300)}`, 'head_too_large', { limit: 256 }),
  refuse('name that never ends', `HTTP/1.1 200 OK\r\n${'x'.repeat(300)}`, 'head_too_large', { limit: 256 }),
  refuse(
    'more than 64 KiB in one header',
    ok(`A: ${'x'.repeat(70_000)}`, 'Content-Length: 0'),
    'head_too_large',
  ),
  refuse(
    'more than 64 KiB in many headers',
    ok(...new Array<string>(200).fill(`A: ${'x'.repeat(400)}`), 'Content-Length: 0'),
    'head_too_large',
  ),
];

/** Framing headers in disguise, so that one parser sees them and another does not. */
export const disguises: Row[] = [
  ...[
    'Content-Length : 5',
    'Content-Length\t: 5',
    'Transfer-Encoding : chunked',
    'Content-Length\x0b: 5',
  ].map((line) => refuse(`hidden framing ${JSON.stringify(line)}`, `${ok(line)}hello`, 'header_name')),
  refuse('hidden framing by NUL in the name', `${ok('Content-Length\0: 5')}hello`, 'header_name'),
  refuse('obs-fold before the length', `${ok('Content-Length:', ' 5')}hello`, 'content_length'),
  refuse('obs-fold before chunked', ok('Transfer-Encoding:', ' chunked'), 'transfer_encoding', {
    differs: lenient,
  }),
  refuse('obs-fold behind chunked', ok('Transfer-Encoding: chunked', ' , identity'), 'folded_line'),
  refuse('header in an obs-fold', ok('A: 1', '\tTransfer-Encoding: chunked'), 'folded_line'),
  refuse('header behind a bare CR', ok('A: 1\rContent-Length: 5', 'Content-Length: 0'), 'bare_cr'),
  refuse('header behind a bare LF', ok('A: 1\nContent-Length: 5', 'Content-Length: 0'), 'bare_lf'),
  refuse('LF CR ends no line', 'HTTP/1.1 200 OK\r\nA: 1\n\rContent-Length: 0\r\n\r\n', 'bare_lf'),
  refuse('next line in latin1 is no line end', ok('Content-Length: 5\x85A: 1'), 'content_length'),
  refuse('vertical tab before chunked', ok('Transfer-Encoding: \x0bchunked'), 'header_value'),
  refuse('tab behind chunked', `${ok('Transfer-Encoding: chunked\t')}0\r\n\r\n`, 'transfer_encoding', {
    eof: true,
    differs: lenient,
  }),
  refuse('NUL before chunked', ok('Transfer-Encoding: \0chunked'), 'header_value'),
  refuse('NUL behind the length', ok('Content-Length: 5\0'), 'header_value'),
  accept(
    'underscore makes another header',
    `${ok('Content_Length: 5', 'Transfer_Encoding: chunked')}hello`,
    {
      headers: 'Content_Length: 5\r\nTransfer_Encoding: chunked',
      framing: 'close',
      keepAlive: false,
      body: 'hello',
    },
    { eof: true },
  ),
  accept(
    'tabs around framing values',
    ok('Content-Length:\t0\t', 'A:\t\t1\t'),
    { headers: 'A: 1' },
    { differs: 'Node refuses a tab behind a length' },
  ),
  ...[
    '5,',
    ',5',
    '5;',
    '5.0',
    '5e0',
    '5_0',
    '"5"',
    '\xb2',
    '5\t5',
    '9007199254740993',
    '18446744073709551621',
  ].map((length) =>
    refuse(`length ${length}`, `${ok(`Content-Length: ${length}`)}hello`, 'content_length', {
      differs: lenient,
    }),
  ),
  refuse('an empty length before a good one', ok('Content-Length:', 'Content-Length: 0'), 'content_length'),
  refuse('length and identity', ok('Content-Length: 0', 'Transfer-Encoding: identity'), 'transfer_encoding'),
  refuse('HEAD with gzip', ok('Transfer-Encoding: gzip'), 'transfer_encoding', {
    method: 'HEAD',
    differs: lenient,
  }),
  refuse(
    'HTTP/1.0 with length and chunked',
    head('HTTP/1.0 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    'length_and_chunked',
  ),
  ...['204 No Content', '304 Not Modified', '100 Continue'].map((status) =>
    refuse(
      `length and chunked with ${status}`,
      head(`HTTP/1.1 ${status}`, 'Content-Length: 0', 'Transfer-Encoding: chunked') + ok('Content-Length: 0'),
      'length_and_chunked',
    ),
  ),
  refuse(
    'two lengths with 304',
    head('HTTP/1.1 304 N', 'Content-Length: 1', 'Content-Length: 2'),
    'two_lengths',
  ),
];

/** Bytes that a reader of another framing would take for the response to the next request. */
export const poison: Row[] = [
  accept(
    'body behind an answer to HEAD',
    ok('Content-Length: 5'),
    { framing: 'none', length: 5, excess: 'hello' },
    { method: 'HEAD', differs: behind },
  ),
  accept(
    'body behind 204',
    head('HTTP/1.1 204 No'),
    { status: '204 No', framing: 'none', excess: next },
    { differs: behind },
  ),
  accept(
    'body behind 304',
    head('HTTP/1.1 304 No', 'Content-Length: 5'),
    { status: '304 No', framing: 'none', length: 5, excess: 'hello' },
    { differs: behind },
  ),
  accept('an answer behind length 0', ok('Content-Length: 0'), { excess: next }, { differs: behind }),
  accept('an answer inside a body of fixed length', `${ok(`Content-Length: ${next.length}`)}${next}`, {
    body: next,
  }),
  accept('an answer inside a chunk', `${chunked}${next.length.toString(16)}\r\n${next}\r\n0\r\n\r\n`, {
    ...started,
    body: next,
  }),
  accept(
    'an answer behind until close is its body',
    `${ok()}${next}`,
    { framing: 'close', keepAlive: false, body: next },
    { eof: true },
  ),
  accept('205 with a body', `${head('HTTP/1.1 205 Reset', 'Content-Length: 2')}hi`, {
    status: '205 Reset',
    body: 'hi',
  }),
  accept('empty line behind the message', ok('Content-Length: 0'), { excess: '\r\n' }),
  pending('nothing', ''),
  pending('first byte only', 'H'),
];

/** Series of interim responses, and responses that change the protocol. */
export const series: Row[] = [
  refuse('garbage behind 100', `${head('HTTP/1.1 100 Continue')}garbage`, 'status_line'),
  refuse(
    'empty line behind 100',
    `${head('HTTP/1.1 100 Continue')}\r\n${ok('Content-Length: 0')}`,
    'status_line',
    { differs: lenient },
  ),
  refuse(
    'bad header in 103',
    head('HTTP/1.1 103 Hints', 'Li nk: 1') + ok('Content-Length: 0'),
    'header_name',
  ),
  refuse('bare LF in 100', `HTTP/1.1 100 Continue\n\n${ok('Content-Length: 0')}`, 'bare_lf'),
  accept('100 in HTTP/1.0', head('HTTP/1.0 100 Continue') + ok('Content-Length: 0'), {}, { differs: last }),
  accept('status 199', head('HTTP/1.1 199 Odd') + ok('Content-Length: 0'), {}),
  accept(
    'headers of 103 do not reach the client',
    head('HTTP/1.1 103 Hints', 'X: 1') + ok('A: 1', 'Content-Length: 0'),
    { headers: 'A: 1' },
  ),
  refuse('100 with a length for HEAD', head('HTTP/1.1 100 C', 'Content-Length: 5') + ok(), 'interim_body', {
    method: 'HEAD',
    differs: lenient,
  }),
  refuse(
    '101 behind 100',
    head('HTTP/1.1 100 Continue') + head('HTTP/1.1 101 S', 'Upgrade: x', 'Connection: upgrade'),
    'upgrade',
  ),
  refuse('101 without Upgrade', head('HTTP/1.1 101 Switching'), 'upgrade', { differs: lenient }),
  refuse('101 in HTTP/1.0', head('HTTP/1.0 101 Switching', 'Upgrade: x', 'Connection: upgrade'), 'upgrade'),
  refuse('101 to HEAD', head('HTTP/1.1 101 S', 'Upgrade: x', 'Connection: upgrade'), 'upgrade', {
    method: 'HEAD',
  }),
  refuse(
    '101 with a WebSocket frame',
    `${head('HTTP/1.1 101 S', 'Upgrade: websocket', 'Connection: Upgrade')}\x81\x02hi`,
    'upgrade',
  ),
  accept(
    '426 offers an upgrade',
    head('HTTP/1.1 426 Upgrade', 'Upgrade: x', 'Connection: upgrade', 'Content-Length: 0'),
    { status: '426 Upgrade' },
  ),
  accept('200 offers an upgrade', ok('Upgrade: h2c', 'Connection: Upgrade', 'Content-Length: 0'), {}),
  accept('close and keep-alive in one list', ok('Connection: keep-alive, close', 'Content-Length: 0'), {
    keepAlive: false,
  }),
  accept(
    'HTTP/1.0 with close and keep-alive',
    head('HTTP/1.0 200 OK', 'Connection: keep-alive, close', 'Content-Length: 0'),
    { keepAlive: false },
  ),
  accept(
    'Proxy-Connection keeps nothing alive',
    head('HTTP/1.0 200 OK', 'Proxy-Connection: keep-alive', 'Content-Length: 0'),
    { keepAlive: false },
  ),
];

export const chunkLines: Row[] = [
  ...[
    '0x',
    '1,',
    '1,1',
    '1.',
    '0_0',
    '\xb2',
    '1\xa0',
    '1\x0b',
    '1h',
    'g',
    '"1"',
    '1=1',
    '20000000000000',
    'FFFFFFFFFFFFFFFF',
    '10000000000000000',
    '10000000000000001',
    '-0',
    '1 1',
  ].map((size) =>
    refuse(`chunk size ${JSON.stringify(size)}`, `${chunked}${size}\r\na\r\n0\r\n\r\n`, 'chunk_size', {
      seen: started,
    }),
  ),
  refuse('NUL in a chunk size', `${chunked}1\0\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('empty line before a chunk', `${chunked}\r\n1\r\na\r\n0\r\n\r\n`, 'chunk_size', { seen: started }),
  refuse('obs-fold behind a chunk size', `${chunked}1\r\n a\r\n0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: ' ' },
  }),
  refuse('CR CR behind a chunk size', `${chunked}1\r\r\na\r\n0\r\n\r\n`, 'bare_cr', { seen: started }),
  refuse('CR CR behind a chunk', `${chunked}1\r\na\r\r\n0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'a' },
  }),
  refuse('LF CR behind a chunk', `${chunked}1\r\na\n\r0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'a' },
  }),
  refuse('chunk shorter than its size', `${chunked}5\r\na\r\n0\r\n\r\n${next}`, 'chunk_end', {
    seen: { ...started, body: 'a\r\n0\r' },
  }),
  refuse('CRLF inside a quoted extension', `${chunked}1;a="\r\nb"\r\na\r\n0\r\n\r\n`, 'chunk_end', {
    seen: { ...started, body: 'b' },
    differs: 'Node refuses it one line earlier',
  }),
  refuse('bare LF inside a quoted extension', `${chunked}1;a="\nb"\r\na\r\n0\r\n\r\n`, 'bare_lf', {
    seen: started,
  }),
  refuse('bare CR inside a quoted extension', `${chunked}1;a="\rb"\r\na\r\n0\r\n\r\n`, 'bare_cr', {
    seen: started,
  }),
  refuse('bare LF in the last extension', `${chunked}0;a\n\r\n`, 'bare_lf', { seen: started }),
  accept(
    'empty extension',
    `${chunked}1;\r\na\r\n0;\r\n\r\n`,
    { ...started, body: 'a' },
    { differs: 'Node refuses an extension without a name' },
  ),
  accept('quoted extension that looks like a line', `${chunked}1;a="0\\r\\n"\r\na\r\n0\r\n\r\n`, {
    ...started,
    body: 'a',
  }),
  refuse('bare CR behind the last chunk', `${chunked}0\r\n\rX`, 'bare_cr', { seen: started }),
  refuse('CR CR LF as the last chunk line', `${chunked}0\r\r\n\r\n`, 'bare_cr', { seen: started }),
  ...[
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Content-Length: 0',
    'Host: a',
    'Set-Cookie: a=b',
  ].map((line) =>
    accept(`trailer ${line} has no effect`, `${chunked}0\r\n${line}\r\n\r\n`, started, {
      differs: 'Node refuses framing in a trailer',
    }),
  ),
  refuse('status line as trailer', `${chunked}0\r\n${next}`, 'header_name', { seen: started }),
  refuse('space before the colon of a trailer', `${chunked}0\r\nA : 1\r\n\r\n`, 'header_name', {
    seen: started,
  }),
  refuse('bare LF behind a trailer', `${chunked}0\r\nA: 1\n\r\n`, 'bare_lf', { seen: started }),
  refuse('NUL in a trailer', `${chunked}0\r\nA: \0\r\n\r\n`, 'header_value', { seen: started }),
  accept(
    'an answer behind the last chunk',
    `${chunked}0\r\n\r\n`,
    { ...started, excess: next },
    { differs: behind },
  ),
  accept('no last chunk', `${chunked}1\r\na\r\n`, { ...started, body: 'a', complete: false }, { eof: true }),
  accept('no chunk', chunked, { ...started, complete: false }, { eof: true }),
];
