import type { Came } from './exchange.ts';
import type { Expected } from './expected.ts';

/** Milliseconds by which a Date may differ: an engine's clock is that of its last second, on a busy machine. */
const DATE_MS = 30_000;
/** Bytes of a response in a report. */
const SHOWN = 300;

/** A head, and its parts that vary between right responses. */
interface Head {
  /** Without these. */
  readonly text: string;
  readonly closes: boolean;
  readonly dates: readonly string[];
}

/** The difference between a response and the expected one; undefined: none. */
export function faultOf(came: Came, right: Expected): string | undefined {
  const { reader, end, closedBy } = came;
  if (reader.fault !== undefined) return reader.fault;
  if (end === 'hangs') return 'no end within 30 s';
  const wrong = headFault(came, right) ?? bodyFault(came, right);
  if (wrong !== undefined) return wrong;
  if (right.breaks === true) {
    return end === 'whole' ? 'a whole answer of an upstream that broke off' : undefined;
  }
  if (end === 'whole') return undefined;
  return `cut by ${closedBy ?? 'neither side'} after ${reader.received} bytes of what should come`;
}

/** Whether the received bytes could have become this response. */
export function isBeginning(came: Came, right: Expected): boolean {
  const { reader } = came;
  if (reader.received === 0) return true;
  if (reader.fault !== undefined) return false;
  if (reader.head === undefined) return headOf(right.head).text.startsWith(reader.beginning.slice(0, 12));
  return headFault(came, right) === undefined && bodyFault(came, right) === undefined;
}

/** The response announced the end of the connection. */
export function saysClose({ reader }: Came): boolean {
  return reader.head !== undefined && headOf(reader.head).closes;
}

function headFault({ reader, protocol }: Came, right: Expected): string | undefined {
  if (reader.head === undefined) {
    return reader.received === 0 ? 'no byte' : `not even a head: ${shown(reader.beginning)}`;
  }
  const head = headOf(reader.head);
  const wanted = protocol === 'HTTP/2' ? overH2(right.head) : right.head;
  if (head.text !== headOf(wanted).text && !(head.closes && head.text === headOf(early(wanted)).text)) {
    return `${shown(reader.head)} ${shown(reader.body.toString('latin1'))}`;
  }
  if (right.closes && !head.closes && protocol !== 'HTTP/2')
    return 'it does not say that the connection ends';
  const isDated = right.outcome !== undefined;
  if (head.dates.length !== (isDated ? 1 : 0)) return `${head.dates.length} dates: ${shown(reader.head)}`;
  const [date] = head.dates;
  if (date === undefined) return undefined;
  const time = Date.parse(date);
  if (new Date(time).toUTCString() !== date) return `the date is ${date}`;
  return Math.abs(Date.now() - time) > DATE_MS ? `the date is ${date}, long ago` : undefined;
}

/** With names in lower case, and without the framing of HTTP/1.1. */
function overH2(head: string): string {
  const [line, ...fields] = head.split('\r\n');
  const named = fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return [line, ...named.filter((field) => !field.startsWith('transfer-encoding:'))].join('\r\n');
}

/** The head of a whole response that leaves while the client is still sending: it is chunked, and the connection ends. */
function early(head: string): string {
  return head.replace(/^Content-Length: \d+$/m, 'transfer-encoding: chunked');
}

/** The received body must be its beginning, and all of it when the response is whole. */
function bodyFault({ reader, end }: Came, right: Expected): string | undefined {
  const body = reader.body;
  const wanted = right.body.subarray(0, body.length);
  if (!body.equals(wanted)) {
    const at = body.findIndex((byte, index) => byte !== right.body[index]);
    return `the body is wrong from byte ${at} of ${right.body.length}: ${shown(body.toString('latin1', at))}`;
  }
  if (end === 'whole' && body.length < right.body.length) {
    return `${body.length} bytes of a body of ${right.body.length}`;
  }
  return undefined;
}

function headOf(text: string): Head {
  const lines = text.split('\r\n');
  // The engine writes them its way, and the gateway in lower case where the engine does not.
  const isClose = (line: string): boolean => /^[Cc]onnection: close$/.test(line);
  const isDate = (line: string): boolean => /^[Dd]ate: /.test(line);
  return {
    text: lines
      .filter((line) => !isClose(line) && !isDate(line))
      .map(inOneSpelling)
      .join('\r\n'),
    closes: lines.some(isClose),
    dates: lines.filter(isDate).map((line) => line.slice('Date: '.length)),
  };
}

/** Each front spells the fields of the framing its way. */
function inOneSpelling(line: string): string {
  return line.replace(/^(?:content-length|transfer-encoding):/i, (name) => name.toLowerCase());
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}
