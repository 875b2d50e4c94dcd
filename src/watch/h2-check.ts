import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { causeOf } from '../upstream/down-causes.ts';
import type { CheckCause, CheckResult, CheckTarget } from './check.ts';
import { judgeResponse, late, MAX_HEAD } from './checked-response.ts';
import { connectionTo, noHttp2 } from './tcp-check.ts';

/** Fields of a response; node:http2 refuses a head with more. */
const MAX_FIELDS = 128;
/** MiB that node:http2 may hold for a check, the least that it allows. */
const MEMORY = 1;

const NO_ERROR = constants.NGHTTP2_NO_ERROR;
/** Codes by which node:http2 resets a stream after a faulty response, or one with too long a head. */
const ofFaults: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_ENHANCE_YOUR_CALM,
]);

const tooLong: CheckResult = { ok: false, cause: 'invalid_response', detail: 'its head is too long' };
const closed: CheckResult = { ok: false, cause: 'reset', detail: 'the server has ended the connection' };

/**
 * Whether the server sends a whole response by HTTP/2 with a status that counts as healthy, on a connection of its own.
 * The request leaves once the server has sent its settings, so a server of HTTP/1.1 gets none. No redirect is followed.
 */
export function checkH2(target: CheckTarget, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    // The authority is that of the request.
    const session = connect('http://upstream.invalid', {
      createConnection: () => connectionTo(target),
      settings: { enablePush: false, maxHeaderListSize: MAX_HEAD },
      maxHeaderListPairs: MAX_FIELDS,
      maxSessionMemory: MEMORY,
    });
    let speaksH2 = false;
    const end = (result: CheckResult): void => {
      signal.removeEventListener('abort', onLate);
      resolve(result);
      session.destroy();
    };
    const onLate = (): void => end(late);
    const fail = (error: NodeJS.ErrnoException): void =>
      end({ ok: false, cause: causeOfError(error, speaksH2), detail: error.code ?? error.message });
    if (signal.aborted) onLate();
    else signal.addEventListener('abort', onLate, { once: true });
    session.on('error', fail);
    session.on('close', () => end(closed));
    session.on('connect', (_, socket) => {
      if (target.secure !== undefined && (socket as TLSSocket).alpnProtocol !== 'h2') end(noHttp2);
    });
    session.once('remoteSettings', () => {
      speaksH2 = true;
      if (!session.closed && !session.destroyed) ask(session, target, end);
    });
  });
}

function ask(
  session: ClientHttp2Session,
  { health, host, secure }: CheckTarget,
  end: (result: CheckResult) => void,
): void {
  const stream = session.request({
    [constants.HTTP2_HEADER_SCHEME]: secure === undefined ? 'http' : 'https',
    [constants.HTTP2_HEADER_AUTHORITY]: health.host ?? host,
    [constants.HTTP2_HEADER_PATH]: health.path,
    'user-agent': 'portcullis-health-check',
    accept: '*/*',
  });
  const isEnded = watchEnd(stream);
  stream.on('error', () => {
    // `close` follows.
  });
  stream.on('end', () => {
    if (!isEnded()) end(resetOf(stream));
  });
  stream.on('close', () => {
    // A session that is lost reports why.
    if (!session.destroyed) end(resetOf(stream));
  });
  stream.on(
    'response',
    (fields: IncomingHttpHeaders & IncomingHttpStatusHeader, _: number, raw: readonly string[]) => {
      // A server may send a head before it knows the limit.
      if (raw.reduce((bytes, { length }) => bytes + length, 0) > MAX_HEAD) end(tooLong);
      else judgeResponse(Number(fields[constants.HTTP2_HEADER_STATUS]), stream, health, end);
    },
  );
}

/**
 * Tells whether the server has ended its side of the stream. Node.js reports a reset with NO_ERROR by the same events,
 * but such a response is not whole.
 */
function watchEnd(stream: ClientHttp2Stream): () => boolean {
  let ended = false;
  stream.push = (chunk: unknown): boolean => {
    if (chunk === null && !stream.closed) ended = true;
    return Duplex.prototype.push.call(stream, chunk);
  };
  return () => ended;
}

function resetOf({ rstCode = NO_ERROR }: ClientHttp2Stream): CheckResult {
  const cause = ofFaults.has(rstCode) ? 'invalid_response' : 'reset';
  return { ok: false, cause, detail: `the request was reset with code ${rstCode}` };
}

/** @param speaksH2 the server has sent its settings. */
function causeOfError(error: NodeJS.ErrnoException, speaksH2: boolean): CheckCause {
  if (error.code === 'ERR_HTTP2_ERROR') return speaksH2 ? 'invalid_response' : 'no_http2';
  return causeOf(error, speaksH2 ? 'reset' : 'failed');
}
