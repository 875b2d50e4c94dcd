import type { IncomingMessage, ServerResponse } from 'node:http';

/** Requests that are kept: all that come within the time after which an exchange counts as one that hangs. */
const MAX_KEPT = 20_000;

interface Seen {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Undefined when the exchange has ended. */
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  end: string;
}

/** The last requests that an upstream has received, by their paths, for the report of one that hangs. */
export class SeenRequests {
  readonly #seen = new Map<string, Seen>();

  note(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    const seen: Seen = { at: performance.now(), exchange: { request, response }, end: '' };
    this.#seen.delete(path);
    this.#seen.set(path, seen);
    if (this.#seen.size > MAX_KEPT) this.#seen.delete(this.#seen.keys().next().value as string);
    response.on('close', () => {
      seen.exchange = undefined;
      seen.end = `${response.writableFinished ? 'answered' : 'cut'} after ${since(seen.at)}`;
    });
  }

  /** What has become of the last request with this path. */
  describe(path: string): string {
    const seen = this.#seen.get(path);
    if (seen === undefined) return 'has not seen it';
    return `saw it ${since(seen.at)} ago, ${seen.exchange === undefined ? seen.end : stateOf(seen.exchange)}`;
  }
}

const since = (at: number): string => `${(performance.now() - at).toFixed(0)} ms`;

function stateOf({ request, response }: NonNullable<Seen['exchange']>): string {
  const { remotePort, bytesRead } = request.socket;
  const received = request.complete ? 'has it whole' : `waits for the rest of it after ${bytesRead} bytes`;
  return `${received}, has ${response.writableLength} bytes unsent of its response, on port ${remotePort}`;
}
