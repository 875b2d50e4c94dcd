import { accept, head, last, lenient, ok, pending, type Row, refuse } from './response-row.ts';

export const statusLines: Row[] = [
  accept('reason phrase with spaces', head('HTTP/1.1 404 Not  Found ', 'Content-Length: 0'), {
    status: '404 Not  Found ',
  }),
  accept('empty reason phrase', head('HTTP/1.1 200 ', 'Content-Length: 0'), { status: '200 ' }),
  accept('no space behind the code', head('HTTP/1.1 200', 'Content-Length: 0'), { status: '200 ' }),
  accept('reason phrase in latin1', head('HTTP/1.1 200 h\xe9 \tla', 'Content-Length: 0'), {
    status: '200 h\xe9 \tla',
    eightBit: true,
  }),
  accept('status 599', head('HTTP/1.1 599 Odd', 'Content-Length: 0'), { status: '599 Odd' }),
  accept('status 600', head('HTTP/1.1 600 Odd', 'Content-Length: 0'), { status: '600 Odd' }),
  accept('highest status', head('HTTP/1.1 999', 'Content-Length: 0'), { status: '999 ' }),
  refuse('status 099', head('HTTP/1.1 099 Odd', 'Content-Length: 0'), 'status_code', { differs: lenient }),
  refuse('status of two digits', head('HTTP/1.1 20 OK'), 'status_code'),
  refuse('status 99', head('HTTP/1.1 99 OK'), 'status_code'),
  refuse('letter in the status', head('HTTP/1.1 2x0 OK'), 'status_code'),
  refuse('status of four digits', head('HTTP/1.1 2000 OK'), 'status_code'),
  refuse('status with a sign', head('HTTP/1.1 +20 OK'), 'status_code'),
  refuse('letter behind the code', head('HTTP/1.1 200x OK'), 'status_line'),
  refuse('tab behind the code', head('HTTP/1.1 200\tOK'), 'status_line'),
  refuse('two spaces before the code', head('HTTP/1.1  200 OK'), 'status_code'),
  refuse('lower-case protocol', head('http/1.1 200 OK'), 'status_line'),
  refuse('HTTP/1.2', head('HTTP/1.2 200 OK'), 'http_version'),
  refuse('HTTP/2.0', head('HTTP/2.0 200 OK', 'Content-Length: 0'), 'http_version', { differs: lenient }),
  refuse('HTTP/0.9', head('HTTP/0.9 200 OK', 'Content-Length: 0'), 'http_version', { differs: lenient }),
  refuse('HTTP/1.10', head('HTTP/1.10 200 OK'), 'http_version'),
  refuse('another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'status_line'),
  refuse('empty line first', `\r\n${ok('Content-Length: 0')}`, 'status_line', { differs: lenient }),
  refuse('a request', 'GET / HTTP/1.1\r\n\r\n', 'status_line'),
  refuse('control in the reason phrase', head('HTTP/1.1 200 O\x01K'), 'status_line', { differs: lenient }),
  refuse('NUL in the reason phrase', head('HTTP/1.1 200 O\0K'), 'status_line', { differs: lenient }),
  refuse('DEL in the reason phrase', head('HTTP/1.1 200 O\x7fK'), 'status_line', { differs: lenient }),
  refuse('bare LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', 'bare_lf'),
  refuse('bare LF behind the code', 'HTTP/1.1 200\nContent-Length: 0\r\n\r\n', 'bare_lf'),
  refuse('bare CR in the status line', 'HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n', 'bare_cr'),
];

export const fieldLines: Row[] = [
  accept('headers keep order, case and repetition', ok('b: 2', 'A: 1', 'b: 3', 'Content-Length: 0'), {
    headers: 'b: 2\r\nA: 1\r\nb: 3',
  }),
  accept('a dropped line between kept ones', ok('A: 1', 'Content-Length: 0', 'B: 2', 'C: 3'), {
    headers: 'A: 1\r\nB: 2\r\nC: 3',
  }),
  accept(
    'white space around values is normalised',
    ok('A:1', 'B:  2', 'C: 3 ', 'D:\t4\t', 'E: 5', 'F: 6 \t ', 'G: 7 8', 'Content-Length: 0'),
    { headers: 'A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7 8' },
  ),
  accept('empty values', ok('A:', 'B: ', 'C: \t ', 'D: 4', 'Content-Length: 0'), {
    headers: 'A: \r\nB: \r\nC: \r\nD: 4',
  }),
  accept('colons and high bytes in a value', ok('A: :\xff:\x80', 'Content-Length: 0'), {
    headers: 'A: :\xff:\x80',
    eightBit: true,
  }),
  accept('high bytes only in a dropped header', ok('Keep-Alive: \xff', 'A: 1', 'Content-Length: 0'), {
    headers: 'A: 1',
  }),
  accept('every mark in a name', ok("!#$%&'*+-.^_`|~09azAZ: 1", 'Content-Length: 0'), {
    headers: "!#$%&'*+-.^_`|~09azAZ: 1",
  }),
  accept(
    'headers of the hop are dropped',
    ok(
      'Date: now',
      'A: 1',
      'CONNECTION: keep-alive',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: x',
      'Trailer: T',
      'Upgrade: h2c',
      'TE: trailers',
      'Proxy-Authenticate: Basic',
      'Content-Length: 0',
      'Dates: kept',
      'Xe: kept',
    ),
    { headers: 'A: 1\r\nDates: kept\r\nXe: kept', keepSeconds: 5 },
  ),
  accept(
    'headers named by Connection are dropped',
    ok(
      'X-One: 1',
      'A: 1',
      'connection: x-one, Keep-Alive,,\tX-TWO ,',
      'x-two: 2',
      'B: 2',
      'Content-Length: 0',
    ),
    { headers: 'A: 1\r\nB: 2' },
  ),
  accept(
    'the only header is named by Connection',
    ok('X-One: \xff', 'Connection: X-One', 'Content-Length: 0'),
    {},
  ),
  accept('Connection names the framing', ok('Content-Length: 2', 'Connection: content-length', 'A: 1'), {
    headers: 'A: 1',
    body: '',
    length: 2,
    complete: false,
  }),
  accept('Connection names itself', ok('Connection: connection, close', 'Content-Length: 0'), {
    keepAlive: false,
  }),
  refuse(
    'Connection names too many headers',
    ok(`Connection: ${'x,'.repeat(33)}`, 'Content-Length: 0'),
    'connection_options',
    { differs: lenient },
  ),
  accept('255 headers and a length', ok(...new Array<string>(255).fill('A: 1'), 'Content-Length: 0'), {
    headers: new Array<string>(255).fill('A: 1').join('\r\n'),
  }),
  refuse('257 headers', ok(...new Array<string>(256).fill('A: 1'), 'Content-Length: 0'), 'header_count', {
    differs: lenient,
  }),
  refuse('space before the colon', ok('A : 1', 'Content-Length: 0'), 'header_name'),
  refuse('empty name', ok(': 1', 'Content-Length: 0'), 'header_name'),
  refuse('no colon', ok('Abc', 'Content-Length: 0'), 'header_name'),
  refuse('bracket in a name', ok('A(b): 1', 'Content-Length: 0'), 'header_name'),
  refuse('high byte in a name', ok('\xc4: 1', 'Content-Length: 0'), 'header_name'),
  refuse('NUL in a name', ok('A\0: 1', 'Content-Length: 0'), 'header_name'),
  refuse('continued line', ok('A: 1', ' 2', 'Content-Length: 0'), 'folded_line'),
  refuse('continued line with a tab', ok('A: 1', '\t2', 'Content-Length: 0'), 'folded_line'),
  refuse('space before the first header', ok(' A: 1', 'Content-Length: 0'), 'folded_line'),
  refuse('NUL in a value', ok('A: 1\x002', 'Content-Length: 0'), 'header_value'),
  refuse('control in a value', ok('A: 1\x1b', 'Content-Length: 0'), 'header_value'),
  refuse('control in front of a value', ok('A:\x0b1', 'Content-Length: 0'), 'header_value'),
  refuse('DEL in a value', ok('A: \x7f', 'Content-Length: 0'), 'header_value'),
  refuse('bare LF behind a value', 'HTTP/1.1 200 OK\r\nA: 1\nContent-Length: 0\r\n\r\n', 'bare_lf'),
  refuse('bare LF as empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n', 'bare_lf'),
  refuse('bare CR in a value', ok('A: 1\rB: 2', 'Content-Length: 0'), 'bare_cr'),
  refuse('two CR behind a value', ok('A: 1\r', 'Content-Length: 0'), 'bare_cr'),
  refuse('CR CR as empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\r\n', 'bare_cr'),
];

const manyInterims = head('HTTP/1.1 102 P').repeat(200) + ok('Content-Length: 0');

export const interims: Row[] = [
  accept(
    '100 and 103 first',
    `${head('HTTP/1.1 100 Continue') + head('HTTP/1.1 103 Hints', 'Link: </a>') + ok('Content-Length: 1')}x`,
    {
      body: 'x',
    },
  ),
  accept(
    '100 with length 0',
    head('HTTP/1.1 100 Continue', 'Content-Length: 0') + ok('Content-Length: 0'),
    {},
  ),
  accept(
    'an interim Connection header does not count',
    head('HTTP/1.1 102 P', 'Connection: close, A') + ok('A: 1', 'Content-Length: 0'),
    { headers: 'A: 1' },
    { differs: last },
  ),
  accept(
    'as many interim responses as the head limit has room for',
    manyInterims,
    {},
    { limit: manyInterims.length },
  ),
  refuse('one byte more of interim responses', manyInterims, 'head_too_large', {
    limit: manyInterims.length - 1,
  }),
  pending('interim response only', head('HTTP/1.1 100 Continue')),
  refuse(
    '100 with a length',
    head('HTTP/1.1 100 Continue', 'Content-Length: 3') + ok('Content-Length: 0'),
    'interim_body',
    {
      differs: lenient,
    },
  ),
  refuse(
    '100 with chunked',
    head('HTTP/1.1 100 Continue', 'Transfer-Encoding: chunked') + ok('Content-Length: 0'),
    'interim_body',
    {
      differs: lenient,
    },
  ),
  refuse('101', head('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', 'Connection: upgrade'), 'upgrade'),
];

const kept = (value: string): string => ok(`Keep-Alive: ${value}`, 'Content-Length: 0');

export const reuse: Row[] = [
  accept('Keep-Alive with a time', kept('timeout=5'), { keepSeconds: 5 }),
  accept('Keep-Alive with both', kept('timeout=15, max=100'), { keepSeconds: 15, keepRequests: 100 }),
  accept('Keep-Alive in any case, order and spacing', kept('MAX = 3\t,Timeout="7" ,'), {
    keepSeconds: 7,
    keepRequests: 3,
  }),
  accept(
    'of two times the shorter',
    ok('Keep-Alive: timeout=9, timeout=4', 'keep-alive: timeout=6', 'Content-Length: 0'),
    {
      keepSeconds: 4,
    },
  ),
  accept('a fraction of a second counts as none', kept('timeout=2.9'), { keepSeconds: 2 }),
  accept('a time of ages', kept('timeout=99999999999999999999'), {}),
  accept('no more than the margin', kept('timeout=1'), { keepAlive: false, keepSeconds: 1 }),
  accept('no time at all', kept('timeout=0, max=9'), { keepAlive: false, keepSeconds: 0, keepRequests: 9 }),
  accept('no other request', kept('timeout=9, max=0'), { keepAlive: false, keepSeconds: 9, keepRequests: 0 }),
  ...[
    '',
    'timeout',
    'timeout=',
    'timeout=-1',
    'timeout=x',
    'xtimeout=1',
    'timeoutx=1',
    '=1',
    'a;timeout=1',
    '\xff',
  ].map((value) => accept(`Keep-Alive: ${value} says nothing`, kept(value), {})),
  ...[
    'WWW-Authenticate: NTLM',
    'www-authenticate: ntlm TlRMTVNTUAACAAAA',
    'WWW-Authenticate: Negotiate',
    'WWW-Authenticate: Basic realm="a, b", NEGOTIATE oYG2MIGz, Digest realm="c"',
    'WWW-Authenticate: Kerberos',
    'WWW-Authenticate: Nego2',
    'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: NTLM',
  ].map((line) =>
    accept(`no reuse behind ${JSON.stringify(line)}`, head('HTTP/1.1 401 No', line, 'Content-Length: 0'), {
      status: '401 No',
      headers: line,
      keepAlive: false,
    }),
  ),
  accept(
    'no reuse behind Proxy-Authenticate',
    head('HTTP/1.1 407 No', 'Proxy-Authenticate: NTLM', 'Content-Length: 0'),
    {
      status: '407 No',
      keepAlive: false,
    },
  ),
  ...['Basic realm="a"', 'Bearer realm="a"', 'Digest realm="xntlm"', 'NTLMv9 a', 'Negotiated', ''].map(
    (value) =>
      accept(
        `reuse behind WWW-Authenticate: ${value}`,
        head('HTTP/1.1 401 No', `WWW-Authenticate: ${value}`, 'Content-Length: 0'),
        { status: '401 No', headers: `WWW-Authenticate: ${value}` },
      ),
  ),

  accept('close', ok('Connection: close', 'Content-Length: 0'), { keepAlive: false }),
  accept('close in any case and list', ok('Connection: x, CLOSE', 'Content-Length: 0'), { keepAlive: false }),
  accept('close wins', ok('Connection: close', 'Connection: keep-alive', 'Content-Length: 0'), {
    keepAlive: false,
  }),
  accept('options that are no tokens', ok('Connection: keep-alive; x=1', 'Content-Length: 0'), {
    keepAlive: false,
  }),
  accept('closed is not close', ok('Connection: closed', 'Content-Length: 0'), {}),
  accept('HTTP/1.0', head('HTTP/1.0 200 OK', 'Content-Length: 0'), { keepAlive: false }),
  accept('HTTP/1.0 keep-alive', head('HTTP/1.0 200 OK', 'Connection: Keep-Alive', 'Content-Length: 0'), {}),
  accept(
    'HTTP/1.0 keep-alive without length',
    head('HTTP/1.0 200 OK', 'Connection: keep-alive'),
    { framing: 'close', keepAlive: false },
    { eof: true },
  ),
];
