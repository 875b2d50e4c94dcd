/** Bytes of one text that is kept. The reader skips longer texts as they arrive, so they cost no memory. */
const MAX_TEXT = 8 * 1024;
/** Bytes of a line. A line is or begins a reply and holds a number or an error, never stored data. */
const MAX_LINE = 16 * 1024;
/** Members of one list, many times more than the gateway asks for at once. */
const MAX_MEMBERS = 100_000;
/** Depth of nested lists; replies about the stream have three levels. */
const MAX_DEPTH = 8;
/** Bytes of one reply, most of them skipped. A longer reply ends the connection. */
const MAX_REPLY = 256 * 1024 * 1024;

const CRLF = Buffer.from('\r\n');

/** Redis reports that a command failed. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

/** Redis sent bytes that are no reply, or a longer reply than the gateway can have asked for. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** `undefined` stands for a text of more than `MAX_TEXT` bytes, null for a missing value. */
export type Reply = string | number | null | undefined | RedisError | readonly Reply[];

interface List {
  readonly items: Reply[];
  left: number;
}

/** Parses replies (RESP2) from pieces of any size. Every cost that a reply can cause is bounded. */
export class ReplyReader {
  readonly #onReply: (reply: Reply) => void;
  readonly #lists: List[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of the next text; undefined when a line is next. */
  #text: number | undefined;
  /** Bytes still to skip. */
  #skip = 0;
  #bytes = 0;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** Takes in the next piece. Throws ReplyError; the reader is of no use after that. */
  take(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    this.#bytes += piece.length;
    let at = 0;
    for (;;) {
      if (this.#bytes > MAX_REPLY) throw new ReplyError('a reply of Redis is too long');
      const next = this.#step(bytes, at);
      if (next === undefined) break;
      at = next;
    }
    // Copies, so a small rest keeps no large piece alive.
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Reads one line or text and returns the position after it; undefined when it is not complete yet. */
  #step(bytes: Buffer, at: number): number | undefined {
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      if (skipped === 0) return undefined;
      this.#skip -= skipped;
      if (this.#skip === 0) this.#add(undefined, bytes.length - at - skipped);
      return at + skipped;
    }
    if (this.#text !== undefined) {
      const end = at + this.#text;
      if (bytes.length < end + CRLF.length) return undefined;
      this.#text = undefined;
      this.#add(bytes.toString('utf8', at, end), bytes.length - end - CRLF.length);
      return end + CRLF.length;
    }
    const end = bytes.indexOf(CRLF, at);
    if (end < 0 || end - at > MAX_LINE) {
      if (bytes.length - at > MAX_LINE) throw new ReplyError('a line of Redis is too long');
      return undefined;
    }
    this.#line(bytes[at], bytes.toString('utf8', at + 1, end), bytes.length - end - CRLF.length);
    return end + CRLF.length;
  }

  #line(kind: number | undefined, text: string, behind: number): void {
    if (kind === 0x2b) this.#add(text, behind);
    else if (kind === 0x2d) this.#add(new RedisError(text), behind);
    else if (kind === 0x3a) this.#add(countOf(text), behind);
    else if (kind === 0x24) {
      const length = countOf(text);
      if (length < 0) this.#add(null, behind);
      else if (length > MAX_TEXT) this.#skip = length + CRLF.length;
      else this.#text = length;
    } else if (kind === 0x2a) {
      const left = countOf(text);
      if (left > MAX_MEMBERS || this.#lists.length >= MAX_DEPTH) {
        throw new ReplyError('a list of Redis is too long');
      }
      if (left <= 0) this.#add(left < 0 ? null : [], behind);
      else this.#lists.push({ items: [], left });
    } else throw new ReplyError('the server is not Redis');
  }

  /**
   * Adds a value to the innermost list, or hands it out as a reply.
   * @param behind bytes of the next reply that have arrived already.
   */
  #add(value: Reply, behind: number): void {
    let reply = value;
    for (let list = this.#lists.at(-1); list !== undefined; list = this.#lists.at(-1)) {
      list.items.push(reply);
      list.left -= 1;
      if (list.left > 0) return;
      this.#lists.pop();
      reply = list.items;
    }
    this.#bytes = behind;
    this.#onReply(reply);
  }
}

function countOf(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new ReplyError('the server is not Redis');
  return Number(text);
}
