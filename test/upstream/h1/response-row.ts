import type { Framing } from '../../../src/http/message.ts';

/** The result of a row's bytes. */
export interface Outcome {
  /** Status line without the version, as the client gets it. */
  readonly status?: string;
  /** The headers as the client gets them. */
  readonly headers?: string;
  readonly framing?: Framing;
  readonly length?: number;
  readonly keepAlive?: boolean;
  /** Of the Keep-Alive header; Infinity in most rows. */
  readonly keepSeconds?: number;
  readonly keepRequests?: number;
  readonly eightBit?: boolean;
  readonly body: string;
  readonly complete: boolean;
  /** Bytes that did not belong to the message. */
  readonly excess: string;
  readonly fault: string | undefined;
}

/** Bytes of one upstream connection in latin1, and their result. */
export interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly method: string;
  /** Head limit in bytes. */
  readonly limit: number;
  /** The connection ends after the bytes. */
  readonly eof: boolean;
  readonly outcome: Outcome;
  /** Why Node's parser reads it otherwise; undefined when the two must agree. */
  readonly differs: string | undefined;
}

export interface Options {
  readonly method?: string;
  readonly limit?: number;
  readonly eof?: boolean;
  readonly differs?: string;
}

const LIMIT = 65_536;

/** `headers` are the client's; absent members have the value of most rows. */
export function accept(name: string, bytes: string, outcome: Partial<Outcome>, options: Options = {}): Row {
  const excess = outcome.excess ?? '';
  return {
    name,
    bytes: bytes + excess,
    method: options.method ?? 'GET',
    limit: options.limit ?? LIMIT,
    eof: options.eof ?? false,
    differs: options.differs,
    outcome: {
      status: '200 OK',
      headers: '',
      framing: 'length',
      length:
        outcome.framing !== undefined && outcome.framing !== 'length' ? -1 : (outcome.body ?? '').length,
      keepAlive: true,
      keepSeconds: Number.POSITIVE_INFINITY,
      keepRequests: Number.POSITIVE_INFINITY,
      eightBit: false,
      body: '',
      complete: true,
      fault: undefined,
      ...outcome,
      excess,
    },
  };
}

/** `seen` was delivered before the fault. */
export function refuse(
  name: string,
  bytes: string,
  fault: string,
  options: Options & { readonly seen?: Partial<Outcome> } = {},
): Row {
  const row = accept(name, bytes, options.seen ?? {}, options);
  const outcome: Outcome =
    options.seen === undefined
      ? { body: '', complete: false, excess: '', fault }
      : { ...row.outcome, complete: false, excess: '', fault };
  return { ...row, outcome };
}

/** The connection ends before anything is delivered. */
export function pending(name: string, bytes: string): Row {
  const outcome: Outcome = { body: '', complete: false, excess: '', fault: undefined };
  return { ...accept(name, bytes, {}, { eof: true }), outcome };
}

export const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
export const ok = (...lines: string[]): string => head('HTTP/1.1 200 OK', ...lines);
export const chunked = ok('Transfer-Encoding: chunked');
export const lenient = 'Node accepts it';
export const behind = 'Node fails on the bytes behind the message';
export const last = 'Node takes the interim response for the last one';
export const stricter = 'Node refuses a second length even where it agrees';
