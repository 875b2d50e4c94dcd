import { isBlank } from '../../../http/ascii.ts';
import { isOfConnection } from '../../../http/h2-fields.ts';
import type { ResponseHead, Trailers } from '../../../http/message.ts';
import { systemClock } from '../../../lib/clock.ts';
import { BlockWriter } from './hpack/block-writer.ts';

const writer = new BlockWriter();

/** Bytes of a block that is kept for the next response with the same head; heads that repeat are small. */
const KEPT_BYTES = 4096;
/** Upstream's reader hands out the same object while a head repeats, and it alone keeps the block alive. */
const blocks = new WeakMap<ResponseHead, Uint8Array>();

/** Names in lower case, by the spelling of upstream, which has few. */
const lowerNames = new Map<string, string>();
const MAX_NAMES = 512;

/** The field block of a response, but for Date. The same for every connection. */
export function responseBlock(head: ResponseHead): Uint8Array {
  const known = blocks.get(head);
  if (known !== undefined) return known;
  const { lines, status, contentLength } = head;
  writer.status(status);
  let end = lines.indexOf('\r\n');
  while (end >= 0) {
    const start = end + 2;
    end = lines.indexOf('\r\n', start);
    const line = end < 0 ? lines.slice(start) : lines.slice(start, end);
    const colon = line.indexOf(':');
    const name = lowerName(line.slice(0, colon));
    if (!isOfConnection(name)) writer.field(name, withoutBlanks(line, colon + 1));
  }
  if (contentLength >= 0) writer.field('content-length', String(contentLength));
  const block = writer.take();
  if (block.length <= KEPT_BYTES) blocks.set(head, block);
  return block;
}

/** The text from `start` on without blanks around it, and no other character that some languages call white. */
function withoutBlanks(line: string, start: number): string {
  let from = start;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from += 1;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}

function lowerName(name: string): string {
  let lower = lowerNames.get(name);
  if (lower === undefined) {
    lower = name.toLowerCase();
    if (lowerNames.size === MAX_NAMES) lowerNames.clear();
    lowerNames.set(name, lower);
  }
  return lower;
}

/** The block of 100 (Continue), which has no fields (RFC 9110 §15.2.1). */
export const continueBlock: Uint8Array = (() => {
  writer.status(100);
  return writer.take();
})();

/** The block of fields behind a body; empty when all of them belong to a connection. */
export function trailersBlock({ names, values }: Trailers): Uint8Array {
  names.forEach((name, at) => {
    if (!isOfConnection(name)) writer.field(name, values[at] ?? '');
  });
  return writer.take();
}

let dateSecond = -1;
let dateField: Uint8Array = new Uint8Array();

/** The Date field (RFC 9110 §6.6.1), encoded. */
export function dateBlock(): Uint8Array {
  const now = systemClock.wall();
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    writer.field('date', new Date(now).toUTCString());
    dateField = writer.take();
  }
  return dateField;
}
