import { OWN_HOST } from './request-player.ts';
import { accept, coding, get, head, malformed, type Row, refuse, tooLarge, version } from './request-row.ts';

const line = (text: string): string => head(text, 'Host: a');
const host = (value: string): string => head('GET / HTTP/1.1', `Host: ${value}`);

const requestLines: readonly Row[] = [
  accept('a path', line('GET /a/b%20c HTTP/1.1'), { line: 'GET /a/b%20c HTTP/1.1' }),
  accept('a query', line('GET /a?b=c?d HTTP/1.1'), { line: 'GET /a?b=c?d HTTP/1.1' }),
  accept('an empty query', line('GET /? HTTP/1.1'), { line: 'GET /? HTTP/1.1' }),
  accept('two slashes', line('GET //b/c HTTP/1.1'), { line: 'GET //b/c HTTP/1.1' }),
  accept('every visible character', line('GET /!"$%&\'()*+,-./:;<=>@[\\]^_`{|}~ HTTP/1.1'), {
    line: 'GET /!"$%&\'()*+,-./:;<=>@[\\]^_`{|}~ HTTP/1.1',
  }),
  accept('a method of its own', line('M-SEARCH /x HTTP/1.1'), { line: 'M-SEARCH /x HTTP/1.1' }),
  accept('a method in small letters', line('get / HTTP/1.1'), { line: 'get / HTTP/1.1' }),
  refuse('no method', line(' / HTTP/1.1')),
  refuse('a method that is no token', line('GE(T / HTTP/1.1')),
  refuse('a method in UTF-8', line('G\xc3\x89T / HTTP/1.1')),
  refuse('CONNECT', line('CONNECT a:80 HTTP/1.1')),
  refuse('CONNECT with a path', line('CONNECT / HTTP/1.1')),
  refuse('TRACE', line('TRACE / HTTP/1.1')),
  refuse('two blanks after the method', line('GET  / HTTP/1.1')),
  refuse('two blanks before the version', line('GET /  HTTP/1.1')),
  refuse('a blank after the version', line('GET / HTTP/1.1 ')),
  refuse('TAB after the method', line('GET\t/ HTTP/1.1')),
  refuse('TAB before the version', line('GET /\tHTTP/1.1')),
  refuse('TAB in the target', line('GET /a\tb HTTP/1.1')),
  refuse('a blank in the target', line('GET /a b HTTP/1.1')),
  refuse('a fragment', line('GET /a#b HTTP/1.1')),
  refuse('a fragment in the query', line('GET /a?b#c HTTP/1.1')),
  refuse('NUL in the target', line('GET /a\0b HTTP/1.1')),
  refuse('DEL in the target', line('GET /a\x7fb HTTP/1.1')),
  refuse('UTF-8 in the target', line('GET /\xc3\xa9 HTTP/1.1')),
  refuse('no target', line('GET HTTP/1.1')),
  refuse('an empty target', line('GET  HTTP/1.1')),
  refuse('a target without a slash', line('GET a HTTP/1.1')),
  refuse('an authority for a target', line('GET a:80 HTTP/1.1')),
  refuse('bare LF after the line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'),
  refuse('CR after the line', 'GET / HTTP/1.1\rHost: a\r\n\r\n'),
  refuse('two CR after the line', 'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n'),
];

const versions: readonly Row[] = [
  refuse('HTTP/2.0', line('GET / HTTP/2.0'), version),
  refuse('HTTP/1.2', line('GET / HTTP/1.2'), version),
  refuse('HTTP/0.9', line('GET / HTTP/0.9'), version),
  refuse('HTTP/3.0', line('GET / HTTP/3.0'), version),
  refuse('a request of HTTP/0.9', 'GET /\r\n'),
  refuse('HTTP/1.10', line('GET / HTTP/1.10')),
  refuse('HTTP/11.1', line('GET / HTTP/11.1')),
  refuse('HTTP/1.', line('GET / HTTP/1.')),
  refuse('HTTP/1', line('GET / HTTP/1')),
  refuse('HTTP/1,1', line('GET / HTTP/1,1')),
  refuse('HTTP/1.x', line('GET / HTTP/1.x')),
  refuse('small letters', line('GET / http/1.1')),
  refuse('ICE', line('SOURCE / ICE/1.0')),
  refuse('RTSP', line('DESCRIBE rtsp://a/b RTSP/1.0')),
  refuse('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', version),
  refuse('a hello of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  refuse('a PROXY line', `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${get()}`),
  refuse('version 2 of PROXY', `\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c${get()}`),
  refuse('SSH', 'SSH-2.0-OpenSSH_9.2\r\n'),
];

const emptyLines: readonly Row[] = [
  accept('an empty line before a request', `\r\n${get()}`, { line: 'GET / HTTP/1.1' }),
  accept('four empty lines', `\r\n\r\n\r\n\r\n${get()}`, {}),
  accept('empty lines are counted for each request', `\r\n\r\n\r\n${get()}\r\n\r\n\r\n${get()}`, [{}, {}]),
  accept('nothing but an empty line', '\r\n', []),
  refuse('five empty lines', `\r\n\r\n\r\n\r\n\r\n${get()}`),
  refuse('bare LF before a request', `\n${get()}`),
  refuse('bare CR before a request', `\r${get()}`),
  refuse('a blank before a request', ` ${get()}`),
];

const fields: readonly Row[] = [
  accept('order, case and repetition', get('B: 2', 'a: 1', 'b: 3', 'X_y: 4'), {
    fields: 'host: a\nb: 2\na: 1\nb: 3\nx_y: 4',
  }),
  accept('blanks around values', get('B:1', 'C:  2', 'D: 3 ', 'E:\t4\t ', 'F: 5 6\t7'), {
    fields: 'host: a\nb: 1\nc: 2\nd: 3\ne: 4\nf: 5 6\t7',
  }),
  accept('empty values', get('B:', 'C: ', 'D: \t '), { fields: 'host: a\nb: \nc: \nd: ' }),
  accept('colons in a value', get('B: :c: d:'), { fields: 'host: a\nb: :c: d:' }),
  accept('bytes above 0x7f', get('B: \x80\xff', 'C: Zo\xc3\xab Lovelace and more'), {
    fields: 'host: a\nb: \x80\xff\nc: Zo\xc3\xab Lovelace and more',
  }),
  accept('__proto__ and its like', get('__proto__: 1', 'constructor: 2', 'toString: 3'), {
    fields: 'host: a\n__proto__: 1\nconstructor: 2\ntostring: 3',
  }),
  accept('every tchar in a name', get("!#$%&'*+-.^_`|~09AZaz: 1"), {
    fields: "host: a\n!#$%&'*+-.^_`|~09azaz: 1",
  }),
  accept('a long name', get(`${'N'.repeat(100)}: 1`), { fields: `host: a\n${'n'.repeat(100)}: 1` }),
  refuse('bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\nB: 1\r\n\r\n'),
  refuse('bare LF after the last field', 'GET / HTTP/1.1\r\nHost: a\r\nB: 1\n\r\n'),
  refuse('bare LF for the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'),
  refuse('CR for a line end', 'GET / HTTP/1.1\r\nHost: a\rB: 1\r\n\r\n'),
  refuse('CR for a blank in a value', get('B: 1\r2')),
  refuse('two CR after a field', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n'),
  refuse('CR and another byte after the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n'),
  refuse('a fold', get('B: 1', ' 2')),
  refuse('a fold with TAB', get('B: 1', '\t2')),
  refuse('a fold of nothing', get('B: 1', ' ')),
  refuse('a blank before the first name', head('GET / HTTP/1.1', ' Host: a')),
  refuse('a blank before the colon', head('GET / HTTP/1.1', 'Host : a')),
  refuse('TAB before the colon', get('B\t: 1')),
  refuse('an empty name', get(': 1')),
  refuse('a line without a colon', get('B')),
  refuse('a name with a blank', get('B C: 1')),
  refuse('a name with a bracket', get('B(: 1')),
  refuse('a name in quotes', get('"B": 1')),
  refuse('a name with NUL', get('B\0: 1')),
  refuse('a name in UTF-8', get('\xc3\xa9: 1')),
  refuse('NUL in a value', get('B: 1\x002')),
  refuse('NUL at the end of a value', get('B: 1\0')),
  refuse('a control in a value', get('B: 1\x0b2')),
  refuse('ESC in a value', get('B: 1\x1b[2m')),
  refuse('DEL in a value', get('B: 1\x7f2')),
  ...Array.from({ length: 9 }, (_, at) => [
    refuse(`NUL deep in a long value, ${at}`, get(`B: ${'x'.repeat(200 + at)}\0${'x'.repeat(50)}`)),
    refuse(`DEL deep in a long value, ${at}`, get(`B: ${'x'.repeat(200 + at)}\x7f${'x'.repeat(50)}`)),
    refuse(`bare LF deep in a long value, ${at}`, get(`B: ${'x'.repeat(200 + at)}\n${'x'.repeat(50)}`)),
    accept(`0xff and TAB deep in a long value, ${at}`, get(`B: ${'x'.repeat(200 + at)}\xff\t\xa0y`), {
      fields: `host: a\nb: ${'x'.repeat(200 + at)}\xff\t\xa0y`,
    }),
  ]).flat(),
];

const hosts: readonly Row[] = [
  accept('a name', host('api.example.com'), { host: 'api.example.com' }),
  accept('a name and a port', host('A_b-1.example:8080'), { host: 'A_b-1.example:8080' }),
  accept('an empty port', host('a:'), { host: 'a:' }),
  accept('the highest port', host('a:65535'), { host: 'a:65535' }),
  accept('IPv4', host('192.0.2.1:80'), { host: '192.0.2.1:80' }),
  accept('IPv6', host('[2001:db8::1]:80'), { host: '[2001:db8::1]:80' }),
  refuse('no Host', head('GET / HTTP/1.1')),
  refuse('two Hosts', head('GET / HTTP/1.1', 'Host: a', 'Host: a')),
  refuse('two Hosts in two spellings', head('GET / HTTP/1.1', 'Host: a', 'hOST: b')),
  refuse('an empty Host', host('')),
  refuse('a Host of blanks', host(' \t ')),
  refuse('Host with a path', host('a/b')),
  refuse('Host with a user', host('u@a')),
  refuse('Host as a list', host('a, b')),
  refuse('Host with a blank', host('a b')),
  refuse('Host with a port of letters', host('a:b')),
  refuse('Host with two ports', host('a:1:2')),
  refuse('Host with a port above 65535', host('a:65536')),
  refuse('Host with a port of six digits', host('a:000080')),
  refuse('Host with a signed port', host('a:+80')),
  refuse('Host with a port and no name', host(':80')),
  refuse('Host with an open bracket', host('[::1')),
  refuse('Host with a query', host('a?b')),
  refuse('Host with a fragment', host('a#b')),
  refuse('Host with a backslash', host('a\\b')),
  refuse('Host with a percent sign', host('a%00')),
  refuse('Host beyond ASCII', host('\x80a')),
];

const otherForms: readonly Row[] = [
  accept('absolute-form', head('GET http://a.example:80/b?c HTTP/1.1', 'Host: a.example:80'), {
    line: 'GET /b?c HTTP/1.1',
    host: 'a.example:80',
    targetScheme: 'http',
  }),
  refuse('absolute-form with https, without TLS', head('GET https://a/ HTTP/1.1', 'Host: a')),
  accept('scheme and host in capitals', head('GET HTTP://EXAMPLE/ HTTP/1.1', 'Host: example'), {
    host: 'example',
    targetScheme: 'http',
  }),
  accept('absolute-form without a path', head('GET http://a HTTP/1.1', 'Host: a'), {
    line: 'GET / HTTP/1.1',
  }),
  accept('absolute-form with a query alone', head('GET http://a?b HTTP/1.1', 'Host: a'), {
    line: 'GET /?b HTTP/1.1',
  }),
  accept('absolute-form of IPv6', head('GET http://[::1]:80/ HTTP/1.1', 'Host: [::1]:80'), {
    host: '[::1]:80',
  }),
  accept('absolute-form in the query', head('GET /?http://b/ HTTP/1.1', 'Host: a'), {
    line: 'GET /?http://b/ HTTP/1.1',
    targetScheme: undefined,
  }),
  accept('OPTIONS *', head('OPTIONS * HTTP/1.1', 'Host: a'), { line: 'OPTIONS * HTTP/1.1' }),
  accept('OPTIONS for a whole server', head('OPTIONS http://a:80 HTTP/1.1', 'Host: a:80'), {
    line: 'OPTIONS * HTTP/1.1',
  }),
  accept('OPTIONS for the root', head('OPTIONS http://a/ HTTP/1.1', 'Host: a'), {
    line: 'OPTIONS / HTTP/1.1',
  }),
  accept('OPTIONS with a query', head('OPTIONS http://a?b HTTP/1.1', 'Host: a'), {
    line: 'OPTIONS /?b HTTP/1.1',
  }),
  refuse('* with GET', line('GET * HTTP/1.1')),
  refuse('* with options', line('options * HTTP/1.1')),
  refuse('more than *', line('OPTIONS *x HTTP/1.1')),
  refuse('* and a query', line('OPTIONS *?x HTTP/1.1')),
  refuse('another host than Host', head('GET http://b/ HTTP/1.1', 'Host: a')),
  refuse('another port than Host', head('GET http://a:81/ HTTP/1.1', 'Host: a')),
  refuse('absolute-form without Host', head('GET http://a/ HTTP/1.1')),
  refuse('absolute-form with a user', head('GET http://u@a/ HTTP/1.1', 'Host: a')),
  refuse('absolute-form with user and Host alike', head('GET http://u@a/ HTTP/1.1', 'Host: u@a')),
  refuse('absolute-form without a host', head('GET http:///a HTTP/1.1', 'Host: a')),
  refuse('one slash', head('GET http:/a/ HTTP/1.1', 'Host: a')),
  refuse('no slash', head('GET http:a HTTP/1.1', 'Host: a')),
  refuse('a backslash for a slash', head('GET http://a\\b HTTP/1.1', 'Host: a')),
  refuse('absolute-form with a fragment', head('GET http://a/#b HTTP/1.1', 'Host: a')),
  refuse('ftp', head('GET ftp://a/ HTTP/1.1', 'Host: a')),
  refuse('ws', head('GET ws://a/ HTTP/1.1', 'Host: a')),
];

const old: readonly Row[] = [
  accept('HTTP/1.0 without Host', head('OPTIONS / HTTP/1.0'), {
    line: 'OPTIONS / HTTP/1.0',
    host: OWN_HOST,
    fields: `host: ${OWN_HOST}`,
    close: true,
  }),
  accept('HTTP/1.0 with keep-alive', head('GET / HTTP/1.0', 'Connection: Keep-Alive', 'Host: a'), {
    host: 'a',
    close: false,
  }),
  accept('HTTP/1.0 with keep-alive and close', head('GET / HTTP/1.0', 'Connection: keep-alive, close'), {
    close: true,
  }),
  accept('HTTP/1.0 with keep-alive in a list', head('GET / HTTP/1.0', 'Connection: x ,\tkeep-alive'), {
    close: false,
  }),
  accept(
    'HTTP/1.0 with keep-alive in two fields',
    head('GET / HTTP/1.0', 'Connection: x', 'connection: keep-alive'),
    {
      close: false,
    },
  ),
  accept('HTTP/1.0 with something like keep-alive', head('GET / HTTP/1.0', 'Connection: keep-alives'), {
    close: true,
  }),
  accept('HTTP/1.0 with a body', `${head('POST / HTTP/1.0', 'Content-Length: 2')}hi`, { body: 'hi' }),
  accept('absolute-form in HTTP/1.0', head('GET http://a:81/b HTTP/1.0'), {
    line: 'GET /b HTTP/1.0',
    host: 'a:81',
    fields: 'host: a:81',
  }),
  accept('an expectation in HTTP/1.0', head('GET / HTTP/1.0', 'Expect: 100-continue'), {
    expectsContinue: false,
  }),
  accept('another expectation in HTTP/1.0', head('GET / HTTP/1.0', 'Expect: x'), {}),
  refuse('two Hosts in HTTP/1.0', head('GET / HTTP/1.0', 'Host: a', 'Host: a')),
  refuse('an empty Host in HTTP/1.0', head('GET / HTTP/1.0', 'Host:')),
  refuse('another host in HTTP/1.0', head('GET http://b/ HTTP/1.0', 'Host: a')),
  refuse('Transfer-Encoding in HTTP/1.0', head('POST / HTTP/1.0', 'Transfer-Encoding: chunked')),
  refuse('an unknown coding in HTTP/1.0', head('POST / HTTP/1.0', 'Transfer-Encoding: gzip, chunked')),
];

const options: readonly Row[] = [
  accept('nothing said', get(), { close: false }),
  accept('close', get('Connection: close'), { close: true }),
  accept('close in a list', get('Connection: keep-alive, Close , x'), { close: true }),
  accept('close in the second field', get('Connection: keep-alive', 'connection: close'), { close: true }),
  accept('something like close', get('Connection: closed, x-close'), { close: false }),
  accept('100-continue', get('Expect: 100-continue'), { expectsContinue: true }),
  accept('100-Continue', get('Expect: 100-Continue'), { expectsContinue: true }),
  accept('an empty expectation', get('Expect:'), { expectsContinue: false }),
  accept('another expectation', get('Expect: 200-ok'), { expectsContinue: false }),
  accept('a second expectation', get('Expect: 100-continue', 'Expect: x'), { expectsContinue: true }),
  accept('a list of expectations', get('Expect: 100-continue, x'), { expectsContinue: false }),
  accept('one token', get('Authorization: Bearer x.y.z'), {
    authorization: 'Bearer x.y.z',
    authorizations: 1,
  }),
  accept('two tokens', get('Authorization: Bearer x', 'authorization: Bearer y'), {
    authorization: 'Bearer x',
    authorizations: 2,
  }),
  accept('no token', get(), { authorization: undefined, authorizations: 0 }),
];

const framings: readonly Row[] = [
  accept('no body', get(), { framing: 'none' }),
  accept('a length of 0', get('Content-Length: 0'), { framing: 'none' }),
  refuse('two lengths', get('Content-Length: 1', 'Content-Length: 1')),
  refuse('two unlike lengths', get('Content-Length: 0', 'content-length: 1')),
  refuse('a list of lengths', get('Content-Length: 1, 1')),
  refuse('a length with +', get('Content-Length: +1')),
  refuse('a length with -', get('Content-Length: -1')),
  refuse('a length in hex', get('Content-Length: 0x1')),
  refuse('a length with a letter', get('Content-Length: 1a')),
  refuse('a length with a blank', get('Content-Length: 1 1')),
  refuse('an empty length', get('Content-Length:')),
  refuse('a length of 16 digits', get('Content-Length: 1000000000000000')),
  refuse('a length beyond 64 bits', get('Content-Length: 18446744073709551617')),
  refuse('a length in digits of another script', get('Content-Length: \xd9\xa1')),
  refuse('length and chunked', get('Content-Length: 1', 'Transfer-Encoding: chunked')),
  refuse('chunked and length 0', get('Transfer-Encoding: chunked', 'Content-Length: 0')),
  refuse('two codings fields', get('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')),
  refuse('two unlike codings fields', get('Transfer-Encoding: gzip', 'Transfer-Encoding: chunked')),
  refuse('no coding', get('Transfer-Encoding:')),
  refuse('identity', get('Transfer-Encoding: identity')),
  refuse('gzip alone', get('Transfer-Encoding: gzip')),
  refuse('chunked before gzip', get('Transfer-Encoding: chunked, gzip')),
  refuse('chunked twice', get('Transfer-Encoding: chunked, chunked')),
  refuse('chunked with a parameter', get('Transfer-Encoding: chunked;q=1')),
  refuse('an empty coding before chunked', get('Transfer-Encoding: , chunked')),
  refuse('an empty coding after chunked', get('Transfer-Encoding: chunked,')),
  refuse('chunked in quotes', get('Transfer-Encoding: "chunked"')),
  refuse('chunked after a vertical tab', get('Transfer-Encoding: \x0bchunked')),
  refuse('something like chunked', get('Transfer-Encoding: xchunked')),
  refuse('something like chunked, in Turkish', get('Transfer-Encoding: chun\xe2\x84\xaaed')),
  refuse('gzip before chunked', get('Transfer-Encoding: gzip, chunked'), coding),
  refuse(
    'gzip, chunked and a length',
    get('Transfer-Encoding: gzip, chunked', 'Content-Length: 1'),
    malformed,
  ),
];

/** A GET of exactly `length` bytes. */
const sized = (length: number): string => {
  const text = get('B: ');
  return text.replace('B: ', `B: ${'x'.repeat(length - text.length)}`);
};
const limits = { requestHead: 200 };
const many = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `B${at}: 1`);

const bounds: readonly Row[] = [
  accept('a head as long as it may be', sized(200), {}, limits),
  accept('two of them', sized(200) + sized(200), [{}, {}], limits),
  accept('empty lines do not count', `\r\n\r\n${sized(200)}`, {}, limits),
  refuse('a head with a byte more', sized(201), tooLarge, { limits }),
  refuse('a head without an end', sized(300).slice(0, -2), tooLarge, { limits }),
  refuse('a second head with a byte more', get() + sized(201), tooLarge, { limits, before: [{}] }),
  refuse('a target without an end', `GET /${'x'.repeat(300)}`, tooLarge, { limits }),
  refuse('a line with a byte too much', line(`GET /${'x'.repeat(185)} HTTP/1.1`), tooLarge, { limits }),
  refuse('a line that leaves no room', line(`GET /${'x'.repeat(184)} HTTP/1.1`), tooLarge, { limits }),
  refuse('a method without an end', 'X'.repeat(300), tooLarge, { limits }),
  refuse('a fault before the limit', get('B : 1', `C: ${'x'.repeat(300)}`), malformed, { limits }),
  refuse('a fault after the limit', get(`C: ${'x'.repeat(300)}`, 'B : 1'), tooLarge, { limits }),
  accept('as many fields as there may be', get(...many(9)), {}, { headerFields: 10 }),
  refuse('a field more', get(...many(10)), tooLarge, { limits: { headerFields: 10 } }),
  refuse('a field more, far before the end', `${get(...many(60)).slice(0, -2)}B: `, tooLarge, {
    limits: { headerFields: 10 },
  }),
  accept('more fields than the tables have room for at first', get(...many(299)), {}, { headerFields: 300 }),
];

export const heads: readonly Row[] = [
  ...requestLines,
  ...versions,
  ...emptyLines,
  ...fields,
  ...hosts,
  ...otherForms,
  ...old,
  ...options,
  ...framings,
  ...bounds,
];
