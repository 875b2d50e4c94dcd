import assert from 'node:assert/strict';
import { Wire } from '../support/wire.ts';

/** How a server fails, as far as the requests matter. */
export interface Harm {
  readonly name: string;
  /** Its response has no end, so the client leaves after the head. */
  readonly endless?: true;
  /** Attempts at a request that does no harm twice, without a body. */
  readonly attempts: 1 | 2;
}

const methods = ['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH'] as const;
const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const bodies = {
  none: '\r\n',
  length: 'Content-Length: 5\r\n\r\nhello',
  chunked: 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  empty: 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
} as const;

export type BodyKind = keyof typeof bodies;

/** What the requests of a trial meet. */
export interface HarmTrial {
  readonly fault: Harm;
  readonly port: number;
  readonly kinds: readonly BodyKind[];
  /** Requests that servers have got, or connections that carry one each. */
  readonly count: () => number;
  readonly beforeMethod?: (method: string) => void;
}

/** Sends requests of each method with each body, and checks that servers get none again that may do harm. */
export async function assertNoHarm(trial: HarmTrial): Promise<void> {
  const { fault, count, kinds } = trial;
  for (const method of methods) {
    trial.beforeMethod?.(method);
    for (const kind of kinds) {
      // Time-outs one after another take long; half of them show the same.
      if (fault.name === 'is silent' && (kind === 'chunked' || method.length > 4)) continue;
      const before = count();
      const bytes = await received(trial, method, kind);
      const mayRepeat = harmless.has(method) && kind === 'none';
      const expected = mayRepeat ? fault.attempts : 1;
      assert.equal(count() - before, expected, `${method} with body ${kind}: ${bytes}`);
      // The client sees nothing of a response that is not the last one.
      assert.ok(bytes.split(/HTTP\/1\.1 [2-5]/).length <= 2, bytes);
      if (bytes.includes('busy')) assert.match(bytes, /^retry-after: 7\r$/im);
    }
  }
}

/** All bytes that the client got until the gateway closed, or until a whole response came. */
async function received({ fault, port }: HarmTrial, method: string, kind: BodyKind): Promise<string> {
  const wire = await Wire.open(port);
  try {
    wire.send(`${method} /x HTTP/1.1\r\nHost: a\r\n${bodies[kind]}`);
    try {
      if (fault.endless === true) return await wire.pendingIs((text) => text.includes('\r\n\r\n'));
      const { raw } = await wire.response({ toHead: method === 'HEAD' });
      return raw + wire.pending;
    } catch {
      return wire.pending; // The gateway cut the response, as upstream did.
    }
  } finally {
    wire.reset();
  }
}
