import { STATUS_CODES } from 'node:http';
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type Came, HANG_MS, isInTime, MIDDLE_BYTES, mustHurry, READ_BYTES } from './exchange.ts';
import type { H2Session } from './h2-session.ts';
import type { HangReport } from './hang-report.ts';
import { HOST, type SoakRequest } from './request.ts';
import type { Received } from './response-reader.ts';

/** Fields that only HTTP/1.1 has, or has in place of a pseudo-header. */
const ofHttp1: ReadonlySet<string> = new Set(['host', 'connection', 'transfer-encoding']);

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The head of a request; undefined where HTTP/2 cannot express it, or Node's client of HTTP/2 does not send it. */
export function headersOf({ method, head, leave }: SoakRequest): OutgoingHttpHeaders | undefined {
  if (method === 'CONNECT' || leave?.at === 'head') return undefined;
  const [line = '', ...fields] = head.trimEnd().split('\r\n');
  const headers: OutgoingHttpHeaders = {
    ':method': method,
    ':scheme': 'https',
    ':authority': HOST,
    ':path': line.split(' ')[1],
  };
  for (const field of fields) {
    const [name = '', value] = field.split(': ', 2);
    const known = name.toLowerCase();
    if (value === undefined || known in headers) return undefined;
    if (!ofHttp1.has(known)) headers[known] = value;
  }
  return headers;
}

/** Sends one request by a stream of its own and takes its response. */
export async function exchangeOverH2(
  session: H2Session,
  headers: OutgoingHttpHeaders,
  request: SoakRequest,
  reportHang: HangReport,
): Promise<Came> {
  const from = performance.now();
  const isFirst = session.exchanges === 0 && !session.isGreeted;
  session.exchanges += 1;
  const reader = new H2Reader();
  const [isHead, hasBody] = [request.method === 'HEAD', request.body.length > 0];
  const known = { protocol: 'HTTP/2', reader, isFirst, isHead, hasBody, from } as const;
  if (session.closedBy !== undefined || request.leave?.at === 'nothing') {
    const end = request.leave?.at === 'nothing' ? 'left' : 'cut';
    const { closedBy } = session;
    return {
      ...known,
      end,
      closedBy,
      wasAsked: false,
      isRefused: false,
      report: undefined,
      to: performance.now(),
    };
  }
  const endsAtOnce = !hasBody && headers['content-length'] === undefined;
  const stream = session.request(headers, endsAtOnce);
  let error: string | undefined;
  stream.on('error', ({ message }: Error) => {
    error = message;
  });
  const closed = new Promise<void>((resolve) => stream.on('close', resolve));
  let hanging: NodeJS.Timeout | undefined;
  let restsAt = READ_BYTES;
  const received = new Promise<Came['end']>((resolve) => {
    hanging = setTimeout(() => resolve('hangs'), HANG_MS);
    stream.on('response', (response) => {
      reader.begin(response);
      if (request.leave?.at === 'first byte') resolve('left');
    });
    stream.on('data', (bytes: Buffer) => {
      reader.push(bytes);
      if (request.leave?.at === 'middle' && reader.bodyLength >= MIDDLE_BYTES) resolve('left');
      else if (request.readRestMs > 0 && reader.received >= restsAt && !mustHurry(from)) {
        restsAt = reader.received + READ_BYTES;
        stream.pause();
        setTimeout(() => stream.resume(), request.readRestMs);
      }
    });
    stream.on('end', () => {
      // Node.js ends what a reset cuts, too.
      reader.isWhole = reader.head !== undefined && (stream.rstCode ?? 0) === constants.NGHTTP2_NO_ERROR;
      if (reader.isWhole) resolve('whole');
    });
    void closed.then(() => resolve('cut'));
  });
  const sent = send(stream, request, from, closed);
  let end = await Promise.race([received, sent.then((left) => (left ? 'left' : received))]);
  const to = performance.now();
  clearTimeout(hanging);
  // A reply to a request whose body is on its way: the client sends the rest, as far as the gateway takes it.
  if (end === 'whole' && hasBody && !(await isInTime(sent))) end = 'hangs';
  const report = end === 'hangs' ? await reportHang(session, request) : undefined;
  const { rstCode } = stream;
  const isRefused =
    rstCode === constants.NGHTTP2_REFUSED_STREAM &&
    session.askedToLeaveAt !== undefined &&
    reader.received === 0;
  if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  const closedBy = end === 'cut' ? (session.closedBy ?? error ?? `a reset with ${rstCode}`) : undefined;
  return { ...known, end, closedBy, wasAsked: true, isRefused, report, to };
}

/** @returns whether the client must leave now. */
async function send(
  stream: ClientHttp2Stream,
  request: SoakRequest,
  from: number,
  closed: Promise<void>,
): Promise<boolean> {
  const { body, writeRestMs, leave } = request;
  const pieces = leave?.at === 'body' ? body.slice(0, body.length >> 1) : body;
  for (const piece of pieces) {
    if (writeRestMs > 0 && !mustHurry(from)) await rest(writeRestMs);
    if (!stream.writable) return false;
    await Promise.race([closed, new Promise<void>((resolve) => stream.write(piece, () => resolve()))]);
  }
  if (leave?.at === 'end' || leave?.at === 'body') return true;
  if (body.length > 0 && stream.writable) stream.end();
  return false;
}

/** One response as its frames arrive. */
class H2Reader implements Received {
  head: string | undefined;
  isWhole = false;
  readonly fault = undefined;
  readonly beginning = '';
  received = 0;
  bodyLength = 0;
  readonly #body: Buffer[] = [];

  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  begin({ ':status': status = 0, ...fields }: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const lines = Object.entries(fields).flatMap(([name, value]) =>
      [value ?? []].flat().map((one) => `${name}: ${one}`),
    );
    this.head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines].join('\r\n');
    this.received += this.head.length;
  }

  push(bytes: Buffer): void {
    this.received += bytes.length;
    this.bodyLength += bytes.length;
    this.#body.push(bytes);
  }
}
