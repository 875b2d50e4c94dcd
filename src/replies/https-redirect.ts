import { withoutPort } from '../http/host-port.ts';
import type { Reply, RequestHead } from '../http/message.ts';
import { noBody } from './no-body.ts';

/** The port that an https URL need not name (RFC 9110 §4.2.2). */
export const HTTPS_PORT = 443;

/** Sends clients to the same URL under https: 308, which keeps the method (RFC 9110 §15.4.9). */
export class HttpsRedirect {
  readonly #port: string;

  /** @param port of https. */
  constructor(port: number) {
    this.#port = port === HTTPS_PORT ? '' : `:${port}`;
  }

  /** @param head without a fault: host and target are visible ASCII, so no byte of them ends a line. */
  to({ host, path, query }: RequestHead): Reply {
    const target = query === undefined ? path : `${path}?${query}`;
    const location = `https://${withoutPort(host)}${this.#port}${target}`;
    return {
      head: {
        status: 308,
        lines: `308 Permanent Redirect\r\nLocation: ${location}`,
        eightBit: false,
        framing: 'length',
        contentLength: 0,
      },
      body: noBody,
      close: false,
    };
  }
}
