import { STATUS_CODES } from 'node:http';
import { type Reason, reasons } from '../../src/reasons.ts';
import { soakedEngine } from './soaked.ts';
import type { UpstreamName } from './upstream.ts';

/** A right response, byte for byte. */
export interface Expected {
  /** The gateway's outcome; undefined: the engine has replied, which is not counted. */
  readonly outcome: string | undefined;
  /** The sender, if it is not the gateway. */
  readonly by?: UpstreamName;
  /** Status line and headers, without `Date`, `Connection: close`, and the empty line. */
  readonly head: string;
  /** As the client reads it: without chunks. */
  readonly body: Buffer;
  /** The response must have `Connection: close`; otherwise it may have it only during the replacement of workers. */
  readonly closes: boolean;
  /** Only the beginning of the body comes, and the connection is cut. */
  readonly breaks?: boolean;
}

export interface ForwardedOptions {
  readonly by: UpstreamName;
  readonly body: Buffer;
  readonly type?: string;
  readonly framing?: 'length' | 'chunked';
  readonly closes?: boolean;
  readonly breaks?: boolean;
}

/** The response of an upstream. */
export function forwarded(options: ForwardedOptions): Expected {
  const { by, body, type, framing = 'length', closes = false, breaks = false } = options;
  const lines = [
    'HTTP/1.1 200 OK',
    `X-Upstream: ${by}`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`,
  ];
  return {
    outcome: breaks ? 'upstream_reset' : 'forwarded',
    by,
    head: lines.join('\r\n'),
    body,
    closes,
    breaks,
  };
}

/** The response to a HEAD request. */
export function headOnly(expected: Expected): Expected {
  return {
    ...expected,
    head: expected.head.replace('Content-Length', 'content-length'),
    body: Buffer.alloc(0),
  };
}

/** A reply of the gateway. `status` is repeated here, so that a change of the gateway's is no change of the expectation. */
export function refused(status: number, reason: Reason, options: { readonly scope?: string } = {}): Expected {
  const {
    text,
    challenge,
    close = false,
    retryAfter,
  } = reasons[reason] as (typeof reasons)[Reason] & {
    readonly close?: boolean;
    readonly retryAfter?: number;
  };
  const scope = options.scope === undefined ? '' : `, scope="${options.scope}"`;
  const body = Buffer.from(
    `${JSON.stringify({ type: `urn:portcullis:rejection:${reason}`, title: text, status, code: reason })}\n`,
  );
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    'Cache-Control: no-store',
    ...(challenge === 'bare' ? ['WWW-Authenticate: Bearer realm="portcullis"'] : []),
    ...(challenge === 'bare' || challenge === 'none'
      ? []
      : [
          `WWW-Authenticate: Bearer realm="portcullis", error="${challenge}"${scope}, error_description="${text}"`,
        ]),
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    `Content-Length: ${body.length}`,
  ];
  return { outcome: reason, head: lines.join('\r\n'), body, closes: close };
}

/** The engine's reply to bytes that it cannot parse; the connection's end ends it. Engine node leaves it to the gateway. */
export function unparsed(status: number): Expected {
  if (soakedEngine === 'node') return refused(status, 'request_malformed');
  const page = `<h1>${STATUS_CODES[status]}</h1><hr><i>uWebSockets/20 Server</i>`;
  return {
    outcome: undefined,
    head: `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    body: Buffer.from(page),
    closes: true,
  };
}
