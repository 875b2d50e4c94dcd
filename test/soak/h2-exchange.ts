import { type Came, HANG_MS, hasEnough, isInTime, mustHurry, READ_BYTES } from './exchange.ts';
import type { Field } from './h2-encoder.ts';
import { H2Reader } from './h2-reader.ts';
import type { H2Session } from './h2-session.ts';
import type { H2Stream } from './h2-stream.ts';
import type { HangReport } from './hang-report.ts';
import { HOST, type SoakRequest } from './request.ts';

/** Fields that only HTTP/1.1 has, or has in place of a pseudo-header. */
const ofHttp1: ReadonlySet<string> = new Set(['host', 'connection', 'transfer-encoding']);
const REFUSED_STREAM = 0x7;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The head of a request; undefined where HTTP/2 cannot express it, or half of it would hold up other clients. */
export function fieldsOf({ method, head, leave }: SoakRequest): readonly Field[] | undefined {
  if (method === 'CONNECT' || leave?.at === 'head') return undefined;
  const [line = '', ...lines] = head.trimEnd().split('\r\n');
  const fields: Field[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', HOST],
    [':path', line.split(' ')[1] ?? ''],
  ];
  for (const field of lines) {
    const [name = '', value] = field.split(': ', 2);
    if (value === undefined) return undefined;
    const known = name.toLowerCase();
    if (!ofHttp1.has(known)) fields.push([known, value]);
  }
  return fields;
}

/** Sends one request by a stream of its own and takes its response. */
export async function exchangeOverH2(
  session: H2Session,
  fields: readonly Field[],
  request: SoakRequest,
  reportHang: HangReport,
): Promise<Came> {
  const from = performance.now();
  const { socket } = session;
  const isFirst = socket.begin(request);
  const [isHead, hasBody] = [request.method === 'HEAD', request.body.length > 0];
  const known = { protocol: 'HTTP/2', isFirst, isHead, hasBody, from } as const;
  const isAsked = socket.closedBy === undefined && request.leave?.at !== 'nothing';
  if (!isAsked) {
    const end = request.leave?.at === 'nothing' ? 'left' : 'cut';
    const none = { reader: new H2Reader(), report: undefined, wasAsked: false, isRefused: false };
    return { ...known, ...none, end, closedBy: socket.closedBy, to: performance.now() };
  }
  const stream = session.request(fields, !hasBody && !announcesBody(fields));
  const { reader } = stream;
  let hanging: NodeJS.Timeout | undefined;
  let restsAt = READ_BYTES;
  const received = new Promise<Came['end']>((resolve) => {
    hanging = setTimeout(() => resolve('hangs'), HANG_MS);
    stream.listen(() => {
      if (reader.isWhole || reader.fault !== undefined) resolve('whole');
      else if (stream.cutBy !== undefined) resolve('cut');
      else if (hasEnough(request, reader)) resolve('left');
      else if (request.readRestMs > 0 && reader.received >= restsAt && !mustHurry(from)) {
        restsAt = reader.received + READ_BYTES;
        stream.rest(request.readRestMs);
      }
    });
  });
  const sent = send(stream, request, from);
  let end = await Promise.race([received, sent.then((left) => (left ? 'left' : received))]);
  const to = performance.now();
  clearTimeout(hanging);
  // A reply to a request whose body is on its way: the client sends the rest, as far as the gateway takes it.
  if (end === 'whole' && hasBody && !(await isInTime(sent))) end = 'hangs';
  const report = end === 'hangs' ? await reportHang(socket, request) : undefined;
  const { cutBy, resetCode } = stream;
  const isRefused =
    resetCode === REFUSED_STREAM && session.askedToLeaveAt !== undefined && reader.received === 0;
  session.end(stream);
  const closedBy = end === 'cut' ? cutBy : undefined;
  return { ...known, reader, end, closedBy, wasAsked: true, isRefused, report, to };
}

const announcesBody = (fields: readonly Field[]): boolean =>
  fields.some(([name]) => name === 'content-length');

/** @returns whether the client must leave now. */
async function send(stream: H2Stream, request: SoakRequest, from: number): Promise<boolean> {
  const { body, writeRestMs, leave } = request;
  const pieces = leave?.at === 'body' ? body.slice(0, body.length >> 1) : body;
  for (const piece of pieces) {
    if (writeRestMs > 0 && !mustHurry(from)) await rest(writeRestMs);
    if (stream.cutBy !== undefined) return false;
    await stream.send(piece);
  }
  if (leave?.at === 'end' || leave?.at === 'body') return true;
  if (body.length > 0) await stream.finish();
  return false;
}
