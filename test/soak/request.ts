import type { Expected } from './expected.ts';

/** The point at which a client gives up. */
export interface Leave {
  /**
   * Before it has sent anything, in the head, after the head (and the body if there is one), in the body, at the first
   * byte of the response, or when it has some bytes of the response's body.
   */
  readonly at: 'nothing' | 'head' | 'end' | 'body' | 'first byte' | 'middle';
  /** By a reset in place of an orderly end. */
  readonly reset: boolean;
}

/** One request, and its expected responses. */
export interface SoakRequest {
  readonly kind: string;
  readonly method: string;
  readonly head: string;
  /** Pieces as they are sent, without the framing of chunks. */
  readonly body: readonly Uint8Array[];
  readonly isChunked: boolean;
  /** Milliseconds of pause before each piece of the body, and after each part of the response. */
  readonly writeRestMs: number;
  readonly readRestMs: number;
  /** The client asks for the end of the connection. */
  readonly closes: boolean;
  readonly leave: Leave | undefined;
  /** Every right response to a request that began and ended at these times (monotonic milliseconds). */
  readonly right: (from: number, to: number) => readonly Expected[];
}

export const HOST = 'soak.example';

export interface Parts {
  readonly kind: string;
  readonly right: SoakRequest['right'];
  readonly path: string;
  readonly method?: string;
  readonly token?: string;
  /** Lines of further headers, each with its end. */
  readonly fields?: string;
  readonly body?: readonly Uint8Array[];
  readonly isChunked?: boolean;
  readonly writeRestMs?: number;
  readonly readRestMs?: number;
}

export function soakRequest(parts: Parts): SoakRequest {
  const { kind, right, path, method = 'GET', token, fields = '', body = [] } = parts;
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return {
    kind,
    right,
    method,
    head: `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${authorization}${fields}\r\n`,
    body,
    isChunked: parts.isChunked ?? false,
    writeRestMs: parts.writeRestMs ?? 0,
    readRestMs: parts.readRestMs ?? 0,
    closes: false,
    leave: undefined,
  };
}

/** With `Connection: close`, which a response then need not have. */
export function closing(request: SoakRequest): SoakRequest {
  const head = request.head.replace(/\r\n$/, 'Connection: close\r\n\r\n');
  const right: SoakRequest['right'] = (from, to) =>
    request.right(from, to).map((expected) => ({ ...expected, closes: false }));
  return { ...request, head, right, closes: true };
}

/** By a client that does not wait for the end. */
export function leaving(request: SoakRequest, leave: Leave): SoakRequest {
  return { ...request, kind: `leaver: ${leave.at}`, leave };
}
