import { seenJson } from '../lib/foreign-text.ts';

const jsonType = 'application/json; charset=utf-8';

/** A reply with its body as text. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Besides those that every reply has. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function json(status: number, value: unknown): Page {
  return { status, type: jsonType, body: `${seenJson(JSON.stringify(value))}\n` };
}

/** Sends a browser to another page of this address, which it gets with GET (RFC 9110 §15.4.4). */
export function seeOther(location: string, headers: Readonly<Record<string, string>> = {}): Page {
  return { status: 303, type: 'text/plain; charset=utf-8', body: '', headers: { ...headers, location } };
}
