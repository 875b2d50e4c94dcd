import { testScheme } from '../support/engine.ts';
import {
  badHead,
  carried,
  head,
  malformed,
  otherVersion,
  page,
  passed,
  type Row,
  sent,
  smuggled,
  waits,
} from './request-row.ts';

export const methods: readonly Row[] = [
  carried('lower-case method', head('get /x'), sent('get /x')),
  carried('PURGE', head('PURGE /x'), sent('PURGE /x')),
  carried('every token character in the method', head("a!#$%&'*+-.^_`|~9 /x"), sent("a!#$%&'*+-.^_`|~9 /x")),
  malformed('method G{}T', head('G{}T /x')),
  malformed('method "GET"', head('"GET" /x')),
  malformed('method GET:', head('GET: /x')),
  malformed('empty method', head(' /x')),
  malformed('DEL in the method', head('G\x7fT /x')),
  page('byte from 0x80 up in the method', head('G\xe9T /x'), 505),
  page('control character in the method', head('G\x01T /x'), 505),
  page('NUL in the method', head('G\0T /x'), 505),
  page('TAB behind the method', head('GET\t/x'), 505),
  page('two spaces behind the method', head('GET  /x'), 505),
  malformed('TRACE', head('TRACE /x')),
  malformed('CONNECT with a path', head('CONNECT /x')),
];

export const targets: readonly Row[] = [
  carried('query', head('GET /x?a=b'), sent('GET /x?a=b')),
  carried('empty query', head('GET /x?'), sent('GET /x?')),
  carried('query of ?', head('GET /x??'), sent('GET /x??')),
  carried('//x', head('GET //x'), sent('GET //x')),
  carried('dot segments', head('GET /a/../x'), sent('GET /a/../x')),
  carried('encoded bytes', head('GET /%00%0d%0a%2F%ff'), sent('GET /%00%0d%0a%2F%ff')),
  carried('a broken %', head('GET /%zz%'), sent('GET /%zz%')),
  carried('visible characters outside the grammar', head('GET /x"<>\\^`{|}'), sent('GET /x"<>\\^`{|}')),
  malformed('# in the path', head('GET /x#y')),
  malformed('# in the query', head('GET /x?a#y')),
  malformed('DEL in the path', head('GET /x\x7f')),
  malformed('UTF-8 in the path', head('GET /\xc3\xa9')),
  malformed('a byte in the path that is not UTF-8', head('GET /\xff')),
  malformed('UTF-8 in the query', head('GET /x?\xc3\xa9')),
  malformed('U+FFFD in the path', head('GET /\xef\xbf\xbd')),
  malformed('DEL in the query', head('GET /x?\x7f')),
  page('control character in the path', head('GET /x\x01'), 505),
  page('NUL in the path', head('GET /x\0y'), 505),
  page('TAB in the path', head('GET /x\ty'), 505),
  page('space in the path', head('GET /x y'), 505),
  page('control character in the query', head('GET /x?\x01'), 505),
  page('absolute form', head(`GET ${testScheme}://a.example/x`), 505, {
    node: passed('absolute form', sent('GET /x')),
  }),
  page('absolute form of another host', head(`GET ${testScheme}://b.example/x`), 505),
  page('asterisk form', head('OPTIONS *'), 505, {
    node: { differs: '`OPTIONS *`', responses: ['204'], end: 'open', counted: ['options_answered'] },
  }),
  page('authority form', head('CONNECT a.example:443'), 505),
  page('relative target', head('GET x'), 505),
  page('target of a query alone', head('GET ?x'), 505),
  page('empty target', head('GET '), 505),
];

const skipped = { node: passed('lines before a request line', sent('GET /x')) };
const version = (text: string): string => `GET /x${text}\r\nHost: a.example\r\n\r\n`;

export const versions: readonly Row[] = [
  page('HTTP/1.0', version(' HTTP/1.0'), 505, {
    node: { ...passed('HTTP/1.0', sent('GET /x')), end: 'closed' },
  }),
  page('HTTP/1.2', version(' HTTP/1.2'), 505, { node: otherVersion }),
  page('HTTP/1.10', version(' HTTP/1.10'), 505),
  page('HTTP/2.0', version(' HTTP/2.0'), 505, { node: otherVersion }),
  page('HTTP/11', version(' HTTP/11'), 505),
  page('http/1.1', version(' http/1.1'), 505),
  page('HTTP/0.9', 'GET /x\r\n\r\n', 505, { alone: true }),
  waits('HTTP/0.9 and a request behind it', `GET /x\r\n\r\n${smuggled}`, { node: badHead }),
  waits('no version', version(''), { node: badHead }),
  page('space behind the version', version(' HTTP/1.1 '), 505),
  page('two spaces before the version', version('  HTTP/1.1'), 505),
  page('preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, { node: otherVersion }),
  page('hello of TLS', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', 505),
  page('PROXY version 1', `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${head('GET /x')}`, 505),
  waits('empty line before the request', `\r\n${head('GET /x')}`, skipped),
  waits('empty lines before the request', `\r\n\r\n${head('GET /x')}`, skipped),
  page('bare LF before the request', `\n${head('GET /x')}`, 505),
];
