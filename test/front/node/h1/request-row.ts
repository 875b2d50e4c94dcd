import type { HeadLimits } from '../../../../src/front/node/h1/request-head.ts';
import { type Message, usualLimits } from './request-player.ts';

/** Bytes of one connection in latin1, and what becomes of them. */
export interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly limits: HeadLimits;
  /** What the first message has; more messages are compared by line and body. */
  readonly messages: readonly Partial<Message>[];
  readonly fault: string | undefined;
}

export const malformed = 'request_malformed';
export const version = 'http_version_not_supported';
export const coding = 'transfer_coding_not_supported';
export const tooLarge = 'request_head_too_large';

interface Options {
  readonly limits?: Partial<HeadLimits>;
  /** Messages that were whole before the fault, or had begun. */
  readonly before?: readonly Partial<Message>[];
}

/** Messages that come through whole. */
export function accept(
  name: string,
  bytes: string,
  messages: Partial<Message> | readonly Partial<Message>[],
  limits?: Partial<HeadLimits>,
): Row {
  const list = Array.isArray(messages) ? (messages as readonly Partial<Message>[]) : [messages];
  return {
    name,
    bytes,
    limits: { ...usualLimits, ...limits },
    messages: list.map((message) => ({ complete: true, ...message })),
    fault: undefined,
  };
}

export function refuse(name: string, bytes: string, fault = malformed, options: Options = {}): Row {
  return {
    name,
    bytes,
    limits: { ...usualLimits, ...options.limits },
    messages: options.before ?? [],
    fault,
  };
}

/** A request with these lines, the empty line after them. */
export const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
/** A GET with Host and these fields. */
export const get = (...fields: readonly string[]): string => head('GET / HTTP/1.1', 'Host: a', ...fields);
export const post = (...fields: readonly string[]): string => head('POST / HTTP/1.1', 'Host: a', ...fields);
/** A chunked POST with these bytes after its head. */
export const chunked = (bytes: string): string => post('Transfer-Encoding: chunked') + bytes;
