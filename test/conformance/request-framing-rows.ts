import {
  afterResponse,
  carried,
  head,
  malformed,
  type OnNode,
  page,
  passed,
  type Row,
  refused,
  sent,
  smuggled,
} from './request-row.ts';

const length = (...values: string[]): string =>
  head('POST /x', ...values.map((value) => `Content-Length:${value}`));
const coded = (...values: string[]): string =>
  head('POST /x', ...values.map((value) => `Transfer-Encoding:${value}`));
const abc = `${sent('POST /x', 'content-length: 3')}abc`;
const chunks = '3\r\nabc\r\n0\r\n\r\n';
const chunkedAbc = sent('POST /x', 'transfer-encoding: chunked') + chunks;
/** What upstream gets of a request that follows in order. */
const smuggledOn = sent('GET /smuggled');
/** uWebSockets.js ends the connection while the request is on its way, so its response does not arrive. */
const cut = { responses: [], end: 'closed', counted: ['client_aborted'] } as const;
/** uWebSockets.js ends the connection after a chunked request. */
const closes = {
  end: 'closed',
  node: { differs: 'the connection after a chunked request', end: 'open' },
} as const;
const heard = { counted: ['request_malformed'] };

/** uWebSockets.js takes the first of several lengths, and leaves the rest of the body to be the next request. */
export const lengths: readonly Row[] = [
  carried('length 3', `${length(' 3')}abc`, abc),
  carried('length 0', length(' 0'), sent('POST /x', 'content-length: 0')),
  carried('length without a space', `${length('3')}abc`, abc),
  carried('length 0003', `${length(' 0003')}abc`, abc),
  carried('length with blanks behind', `${length(' 3  ')}abc`, abc),
  carried('length with TAB before', `${length('\t3')}abc`, abc),
  carried('length with TAB behind', `${length(' 3\t')}abc`, abc),
  malformed('length 3 and 3', `${length(' 3', ' 3')}abc`),
  malformed('length 3 and 5', `${length(' 3', ' 5')}abc`),
  malformed('length 5 and 3', `${length(' 5', ' 3')}abcde`),
  malformed('length 0 and a request long', length(' 0', ` ${smuggled.length}`)),
  malformed('length empty', length('')),
  malformed('length blank', length('  ')),
  malformed('length empty and 3', length('', ' 3')),
  page('length 3, 3', `${length(' 3, 3')}abc`, 400, heard),
  page('length +3', `${length(' +3')}abc`, 400, heard),
  page('length -3', `${length(' -3')}abc`, 400, heard),
  page('length 0x3', `${length(' 0x3')}abc`, 400, heard),
  page('length 3abc', `${length(' 3abc')}abc`, 400, heard),
  page('length 3.0', `${length(' 3.0')}abc`, 400, heard),
  page('length 3 3', `${length(' 3 3')}abc`, 400, heard),
  page('length of 20 digits', `${length(` ${'9'.repeat(20)}`)}abc`, 400, heard),
  malformed('length of 16 digits', `${length(' 0000000000000003')}abc`),
  page('space before the colon of the length', `${head('POST /x', 'Content-Length : 3')}abc`, 400),
  carried(
    'bytes behind a body are the next request',
    [`${length(' 3')}abc`, afterResponse, head('GET /second')],
    [abc, sent('GET /second')],
  ),
  carried('a request behind a body, in the same segment', `${length(' 3')}abc${smuggled}`, abc, {
    ...cut,
    node: passed('pipelining', abc, smuggledOn),
  }),
];

export const encodings: readonly Row[] = [
  carried('chunked', coded(' chunked') + chunks, chunkedAbc, closes),
  carried('CHUNKED', coded(' CHUNKED') + chunks, chunkedAbc, closes),
  carried('chunked with TAB around', coded('\tchunked\t') + chunks, chunkedAbc, closes),
  malformed('encoding identity', coded(' identity') + chunks),
  malformed('encoding xchunked', coded(' xchunked') + chunks),
  malformed('encoding gzip', coded(' gzip') + chunks),
  malformed('encoding gzip, chunked', coded(' gzip, chunked') + chunks, {
    node: refused(501, 'transfer_coding_not_supported', 'other transfer codings'),
  }),
  malformed('encoding chunked, identity', coded(' chunked, identity') + chunks),
  malformed('encoding chunked, chunked', coded(' chunked, chunked') + chunks),
  malformed('encoding chunked;a=b', coded(' chunked;a=b') + chunks),
  malformed('encoding "chunked"', coded(' "chunked"') + chunks),
  malformed('encoding chunked twice', coded(' chunked', ' chunked') + chunks),
  malformed('encoding gzip and chunked', coded(' gzip', ' chunked') + chunks),
  malformed('encoding chunked and identity', coded(' chunked', ' identity') + chunks),
  malformed('encoding empty', coded('')),
  malformed('encoding empty and chunked', coded('', ' chunked') + chunks),
  malformed(
    'encoding empty, with a length',
    `${head('POST /x', 'Transfer-Encoding:', 'Content-Length: 3')}abc`,
  ),
  carried('a byte from 0x80 up behind chunked is lost', coded(' chunked\xa0') + chunks, chunkedAbc, {
    end: 'closed',
    node: refused(400, 'request_malformed', 'bytes from 0x80 up'),
  }),
  page(
    'encoding with a space before the colon',
    head('POST /x', 'Transfer-Encoding : chunked') + chunks,
    400,
  ),
  page('encoding with VT before the value', coded(' \x0bchunked') + chunks, 400),
  page('encoding behind a folded line', head('POST /x', 'Transfer-Encoding:\r\n chunked') + chunks, 400),
  page(
    'length and encoding',
    head('POST /x', 'Content-Length: 3', 'Transfer-Encoding: chunked') + chunks,
    400,
  ),
  page(
    'encoding and length',
    head('POST /x', 'Transfer-Encoding: chunked', 'Content-Length: 3') + chunks,
    400,
  ),
  page(
    'encoding identity and length',
    head('POST /x', 'Transfer-Encoding: identity', 'Content-Length: 3') + chunks,
    400,
  ),
  malformed(
    'encoding and an empty length',
    head('POST /x', 'Transfer-Encoding: chunked', 'Content-Length:') + chunks,
  ),
];

const partly = (body: string): string => sent('POST /x', 'transfer-encoding: chunked') + body;
/** `3;a` is read as hexadecimal 3ba, so that later bytes are content of an upload that never ends. */
const swallowed = partly('a\r\nabc\r\n0\r\n\r\n\r\n');
const waiting = { responses: [], end: 'waiting', counted: ['client_aborted'] } as const;
/** Refused when the head is on its way upstream, where the request stays without an end. */
const badChunk = (before = ''): { end: 'closed'; node: OnNode } => ({
  end: 'closed',
  node: { ...refused(400, 'request_malformed', 'chunk lines'), upstream: [partly(before)] },
});
const extension = { node: passed('chunk lines', chunkedAbc) };
/** uWebSockets.js refuses it when the head is on its way upstream, where the request stays without an end. */
const midway = (name: string, body: string, node: OnNode = badChunk().node): Row =>
  carried(name, coded(' chunked') + body, partly(''), { ...cut, responses: ['400 page'], node });

/**
 * uWebSockets.js reads chunk sizes in its own way and hands over only the content, so the gateway cannot judge them. It
 * frames the body anew, and the connection ends: no bytes after the body become a request.
 */
export const chunkLines: readonly Row[] = [
  carried(
    'chunk extension behind a space',
    `${coded(' chunked')}3 ;a=b\r\nabc\r\n0\r\n\r\n`,
    chunkedAbc,
    badChunk(),
  ),
  carried(
    'size in capitals',
    `${coded(' chunked')}A\r\n0123456789\r\n0\r\n\r\n`,
    partly('a\r\n0123456789\r\n0\r\n\r\n'),
    closes,
  ),
  carried('size with zeros before', `${coded(' chunked')}0003\r\nabc\r\n0\r\n\r\n`, chunkedAbc, closes),
  carried(
    'size g is 16',
    `${coded(' chunked')}g\r\n0123456789abcdef\r\n0\r\n\r\n`,
    partly('10\r\n0123456789abcdef\r\n0\r\n\r\n'),
    badChunk(),
  ),
  carried(
    'size : is 10',
    `${coded(' chunked')}:\r\n0123456789\r\n0\r\n\r\n`,
    partly('a\r\n0123456789\r\n0\r\n\r\n'),
    badChunk(),
  ),
  carried(
    'an empty size is the end',
    `${coded(' chunked')}\r\nabc\r\n0\r\n\r\n`,
    partly('0\r\n\r\n'),
    badChunk(),
  ),
  carried(
    'a space before the size is the end',
    `${coded(' chunked')} 3\r\nabc\r\n0\r\n\r\n`,
    partly('0\r\n\r\n'),
    badChunk(),
  ),
  carried('bare LF behind the size', `${coded(' chunked')}3\nabc\r\n0\r\n\r\n`, chunkedAbc, badChunk()),
  carried(
    'no CRLF behind the content',
    `${coded(' chunked')}3\r\nabcXX0\r\n\r\n`,
    chunkedAbc,
    badChunk('3\r\nabc\r\n'),
  ),
  carried(
    'chunk extension without a space is a part of the size',
    `${coded(' chunked')}3;a\r\nabc\r\n0\r\n\r\n`,
    swallowed,
    { ...waiting, ...extension },
  ),
  carried('so is one with a value', `${coded(' chunked')}3;a=b\r\nabc\r\n0\r\n\r\n`, swallowed, {
    ...waiting,
    ...extension,
  }),
  midway('chunk extension with a quoted value', '3;a="b"\r\nabc\r\n0\r\n\r\n', extension.node),
  midway('size z', 'z\r\nabc\r\n0\r\n\r\n'),
  midway('size -3', '-3\r\nabc\r\n0\r\n\r\n'),
  midway('size 0x3', '0x3\r\nabc\r\n0\r\n\r\n'),
  midway('size of 17 digits', '10000000000000003\r\nabc\r\n0\r\n\r\n'),
];

const badTrailer = {
  node: {
    ...refused(400, 'request_malformed', 'trailers'),
    upstream: [partly('3\r\nabc\r\n')],
  },
};
const inOrder = { node: passed('pipelining', chunkedAbc, smuggledOn) };

/** uWebSockets.js drops two bytes after the last chunk and reads the next ones as a request. */
export const trailers: readonly Row[] = [
  carried('a trailer', `${coded(' chunked')}3\r\nabc\r\n0\r\nX-T: v\r\n\r\n`, chunkedAbc, {
    ...cut,
    responses: ['505 page'],
    node: passed('trailers', partly('3\r\nabc\r\n0\r\nx-t: v\r\n\r\n')),
  }),
  carried(
    'a trailer that is a request behind two bytes',
    `${coded(' chunked')}3\r\nabc\r\n0\r\nX:${smuggled}`,
    chunkedAbc,
    { ...cut, ...badTrailer },
  ),
  carried('a trailer that is a request', `${coded(' chunked')}3\r\nabc\r\n0\r\n${smuggled}`, chunkedAbc, {
    ...cut,
    ...badTrailer,
  }),
  carried(
    'a trailer that comes before the answer',
    [`${coded(' chunked')}3\r\nabc\r\n0\r\nX:`, smuggled],
    chunkedAbc,
    { ...cut, ...badTrailer },
  ),
  carried(
    'a trailer that comes behind the answer',
    [`${coded(' chunked')}3\r\nabc\r\n0\r\nX:`, afterResponse, smuggled],
    chunkedAbc,
    {
      end: 'closed',
      // The request ends with its trailers, so its response cannot come before them.
      node: { ...badTrailer.node, pieces: [`${coded(' chunked')}3\r\nabc\r\n0\r\nX:`, smuggled] },
    },
  ),
  carried('a request behind a chunked one', `${coded(' chunked')}${chunks}${smuggled}`, chunkedAbc, {
    ...cut,
    ...inOrder,
  }),
  carried(
    'a request behind a chunked one before the answer',
    [coded(' chunked') + chunks, smuggled],
    chunkedAbc,
    { ...cut, ...inOrder },
  ),
  carried(
    'a request behind a chunked one and its answer',
    [coded(' chunked') + chunks, afterResponse, smuggled],
    chunkedAbc,
    { end: 'closed', ...inOrder },
  ),
];
