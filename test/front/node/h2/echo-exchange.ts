import type { ClientEvents, ClientStream } from '../../../../src/front/front.ts';
import { replyOf, responseHead } from './client.ts';

/** Bytes of the answer to a GET for `/<bytes>`, each by its place, so that a lost or repeated one shows. */
export function pattern(from: number, to: number): Buffer {
  return Buffer.from(
    Uint8Array.from({ length: to - from }, (_, at) => ((from + at) * 31 + ((from + at) >>> 8)) & 0xff),
  );
}

const PIECE = 50_000;

/**
 * Sends a request's body back, or to a GET the number of bytes that its path names, at the client's pace and from a
 * buffer that is overwritten as soon as it was sent.
 */
export class EchoExchange implements ClientEvents {
  readonly #client: ClientStream;
  readonly #left: Buffer[] = [];
  #size = 0;
  #at = 0;
  #isWhole = false;
  #aborted = false;

  constructor(client: ClientStream) {
    this.#client = client;
    client.listen(this);
    const { head } = client;
    if (head.fault !== undefined) {
      client.reply(replyOf(400, 'refused'));
      return;
    }
    if (head.framing !== 'none') {
      client.takeBody(false);
      client.resumeBody();
      client.begin(responseHead(200));
      client.send([], false);
      return;
    }
    this.#size = Number(head.path.slice(1));
    if (head.method === 'HEAD') {
      client.begin({ ...responseHead(200, this.#size), framing: 'none' });
      client.send([], true);
      return;
    }
    client.begin(responseHead(200, this.#size, '\r\nContent-Type: application/octet-stream'));
    this.#sendMore();
  }

  onRequestBody(chunk: Uint8Array, last: boolean): void {
    this.#isWhole = last;
    if (this.#left.length > 0 || this.#client.behind) {
      this.#left.push(Buffer.from(chunk));
      this.#client.pauseBody();
    } else this.#client.send([chunk], last);
  }

  onDrained(): void {
    if (this.#size > 0) {
      this.#sendMore();
      return;
    }
    const pieces = this.#left.splice(0);
    if (pieces.length > 0 && !this.#client.send(pieces, this.#isWhole)) return;
    this.#client.resumeBody();
  }

  onBodyFault(): void {
    throw new Error('a stream with a faulty body is reset');
  }

  onAborted(): void {
    if (this.#aborted) throw new Error('aborted twice');
    this.#aborted = true;
  }

  onReplied(): void {}

  #sendMore(): void {
    for (;;) {
      const to = Math.min(this.#at + PIECE, this.#size);
      const piece = pattern(this.#at, to);
      this.#at = to;
      const taken = this.#client.send([piece], to === this.#size);
      piece.fill(0xee);
      if (!taken || to === this.#size) return;
    }
  }
}
