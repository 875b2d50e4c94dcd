import { type Expected, forwarded, refused } from './expected.ts';
import { HOST } from './request.ts';
import { overTls } from './soaked.ts';
import { type Fault, faultsOf, type Token } from './tokens.ts';
import type { UpstreamName } from './upstream.ts';

/** Headers with which clients pretend to be others; the gateway must remove them. */
export const SPOOF = 'X-User-Id: root\r\nX-Forwarded-For: 10.0.0.1\r\n';

export interface Echoed {
  readonly method?: string;
  readonly path: string;
  readonly token: string;
  readonly sub: string;
  /** Of the request's body, as upstream received it. */
  readonly framing?: readonly [name: string, value: string];
  readonly digest?: string;
  readonly by?: UpstreamName;
  readonly closes?: boolean;
}

/** The response that shows the request of upstream: the request line and every header, in their order. */
export function echoed(options: Echoed): Expected {
  const { method = 'GET', path, token, sub, framing = [], digest, by = 'a', closes = false } = options;
  const seen = JSON.stringify([
    method,
    path,
    ...['host', HOST, 'authorization', `Bearer ${token}`, 'X-User-Id', sub],
    ...[
      'x-forwarded-for',
      '127.0.0.1',
      'x-forwarded-proto',
      overTls ? 'https' : 'http',
      'x-forwarded-host',
      HOST,
    ],
    ...framing,
  ]);
  const body = Buffer.from(digest === undefined ? seen : `${seen} ${digest}`);
  return forwarded({ by, body, type: 'text/plain', closes });
}

/** The right result for a token: `good` while it is, and otherwise its refusal. */
export function judged(token: Token, good: Expected): (from: number, to: number) => readonly Expected[] {
  return (from, to) =>
    faultsOf(token, from, to).map((fault) => (fault === undefined ? good : refusalOf(fault, good)));
}

function refusalOf(fault: Exclude<Fault, undefined>, good: Expected): Expected {
  const refusal = refused(401, fault);
  // A response to a request whose end the engine does not know ends its connection.
  return good.closes ? { ...refusal, closes: true } : refusal;
}
