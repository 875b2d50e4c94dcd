import { overTls } from '../support/engine.ts';
import {
  afterResponse,
  carried,
  head,
  passed,
  type Row,
  refused,
  sent,
  smuggled,
  waits,
} from './request-row.ts';

const get = (path: string, ...fields: string[]): string => head(`GET ${path}`, ...fields);
const post = head('POST /x', 'Content-Length: 3');
const abc = `${sent('POST /x', 'content-length: 3')}abc`;
/** uWebSockets.js ends the connection while the request is on its way, so its response does not arrive. */
const cut = { responses: [], end: 'closed', counted: ['client_aborted'] } as const;
const unknown = { gateway: 'guarded', responses: ['401 token_missing'], counted: ['token_missing'] } as const;

export const pieces: readonly Row[] = [
  carried('a request byte by byte', [...`${post}abc`], abc),
  carried(
    'a request line in pieces',
    ['GE', 'T /x HT', 'TP/1.1\r', '\nHost: a.example\r\n\r', '\n'],
    sent('GET /x'),
  ),
  carried(
    'a chunked request byte by byte',
    [...`${head('POST /x', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`],
    [`${sent('POST /x', 'transfer-encoding: chunked')}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n`],
    { end: 'closed', node: { differs: 'the connection after a chunked request', end: 'open' } },
  ),
  waits('a head without its end', 'GET /x HTTP/1.1\r\nHost: a.example\r\n', { alone: true }),
  waits('a request line without its end', 'GET /x HTT', { alone: true }),
  waits('a single byte', 'G', { alone: true }),
  carried(
    'Expect: 100-continue',
    [head('POST /x', 'Content-Length: 3', 'Expect: 100-continue'), 'abc'],
    abc,
    { responses: ['100', '200'] },
  ),
  carried(
    'Expect: 100-Continue',
    [head('POST /x', 'Content-Length: 3', 'Expect: 100-Continue'), 'abc'],
    abc,
    { node: { differs: '`Expect: 100-continue`', responses: ['100', '200'] } },
  ),
  carried(
    'Expect of something else is taken for nothing',
    [head('POST /x', 'Content-Length: 3', 'Expect: rain'), 'abc'],
    abc,
  ),
];

/** Clients of uWebSockets.js must not pipeline: it cannot hold back a second request. */
export const pipelines: readonly Row[] = [
  carried('two requests that are refused on the spot', get('/1') + get('/2'), [], {
    gateway: 'guarded',
    responses: ['401 token_missing', '401 token_missing'],
    counted: ['token_missing', 'token_missing'],
  }),
  carried('a request behind one that waits for upstream', get('/1') + smuggled, [], {
    ...cut,
    node: passed('pipelining', sent('GET /1'), sent('GET /smuggled')),
  }),
  carried('a request behind one with Connection: close', get('/1', 'Connection: close') + smuggled, [], {
    ...cut,
    node: { ...passed('pipelining', sent('GET /1')), end: 'closed' },
  }),
  carried(
    'a request behind one with Connection: close and its answer',
    [get('/1', 'Connection: close'), afterResponse, smuggled],
    sent('GET /1'),
    { end: 'closed' },
  ),
  carried('Connection: close', get('/x', 'Connection: close'), sent('GET /x'), { end: 'closed' }),
  carried(
    'Connection: close is lost on the spot when another request is there',
    get('/1', 'Connection: close') + get('/2'),
    [],
    {
      ...unknown,
      responses: ['401 token_missing', '401 token_missing'],
      counted: ['token_missing', 'token_missing'],
      node: {
        differs: 'pipelining',
        responses: ['401 token_missing'],
        end: 'closed',
        counted: ['token_missing'],
      },
    },
  ),
  carried('an empty line between requests', [get('/x'), afterResponse, '\r\n'], sent('GET /x'), {
    end: 'waiting',
    node: { differs: 'lines before a request line', end: 'open' },
  }),
  carried('bytes behind a body that are no request', `${post}abc\x01\x02 \r\n\r\n`, abc, {
    ...cut,
    responses: ['505 page'],
    node: {
      differs: 'pipelining',
      responses: ['200', '400 request_malformed'],
      counted: ['forwarded', 'request_malformed'],
    },
  }),
  carried(
    'a refused body is not the next request',
    head('POST /x', `Content-Length: ${smuggled.length}`) + smuggled,
    [],
    unknown,
  ),
];

export const halfCloses: readonly Row[] = [
  carried('half-close behind the request', get('/x'), sent('GET /x'), {
    ...cut,
    halfClose: true,
    node: overTls ? { differs: 'half-close' } : { ...passed('half-close', sent('GET /x')), end: 'closed' },
  }),
  carried('half-close behind the request and its answer', [get('/x'), afterResponse, ''], sent('GET /x'), {
    halfClose: true,
    end: 'closed',
  }),
  carried(
    'half-close in the middle of a body',
    `${head('POST /x', 'Content-Length: 5')}abc`,
    `${sent('POST /x', 'content-length: 5')}abc`,
    { ...cut, halfClose: true },
  ),
  carried('half-close in the middle of a head', 'GET /x HTTP/1.1\r\n', [], {
    halfClose: true,
    end: 'closed',
  }),
  carried('half-close behind a request that is refused on the spot', get('/x'), [], {
    ...unknown,
    halfClose: true,
    end: 'closed',
  }),
];

/** Any client may send it; it is not believed, here or upstream. */
const proxyV2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x01\0\x02';

const loopback = 'x-forwarded-for: 127.0.0.1';

export const proxyHeaders: readonly Row[] = [
  carried('PROXY version 2', proxyV2 + get('/x'), sent('GET /x', loopback), {
    gateway: 'telling',
    node: refused(400, 'request_malformed', 'lines before a request line'),
  }),
  carried(
    'PROXY version 2 between requests',
    [get('/x'), afterResponse, proxyV2 + get('/second')],
    [sent('GET /x', loopback), sent('GET /second', loopback)],
    {
      gateway: 'telling',
      node: {
        differs: 'lines before a request line',
        responses: ['200', '400 request_malformed'],
        end: 'closed',
        upstream: [sent('GET /x', loopback)],
        counted: ['forwarded', 'request_malformed'],
      },
    },
  ),
];
