/** Bytes of one text that is kept. Longer ones are passed over as they come, so that they cost no memory. */
const MAX_TEXT = 8 * 1024;
/** Bytes of a line that begins a reply or is one: a number or an error, never something that was stored. */
const MAX_LINE = 16 * 1024;
/** Members of one list, many times what is asked for at once. */
const MAX_MEMBERS = 100_000;
/** Lists in lists; the stream has three. */
const MAX_DEPTH = 8;
/** Bytes of one reply, nearly all of them passed over: the end of a longer one is not waited for. */
const MAX_REPLY = 256 * 1024 * 1024;

const CRLF = Buffer.from('\r\n');

/** What Redis answers when a command fails. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

/** What Redis sends is no reply, or longer than anything that was asked for. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** `undefined` stands for a text of more than `MAX_TEXT` bytes, null for what is not there. */
export type Reply = string | number | null | undefined | RedisError | readonly Reply[];

interface List {
  readonly items: Reply[];
  left: number;
}

/** Takes replies apart (RESP2) in the pieces in which they come, with a bound on all that they can cost. */
export class ReplyReader {
  readonly #onReply: (reply: Reply) => void;
  readonly #lists: List[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of the text that comes next; undefined where a line does. */
  #text: number | undefined;
  /** Bytes still to be passed over. */
  #over = 0;
  #bytes = 0;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** Throws ReplyError; nothing can be read after that. */
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
    // A copy, so that a small rest keeps no large piece alive.
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** The position behind what was read; undefined when more has to come. */
  #step(bytes: Buffer, at: number): number | undefined {
    if (this.#over > 0) {
      const passed = Math.min(this.#over, bytes.length - at);
      if (passed === 0) return undefined;
      this.#over -= passed;
      if (this.#over === 0) this.#add(undefined, bytes.length - at - passed);
      return at + passed;
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
      else if (length > MAX_TEXT) this.#over = length + CRLF.length;
      else this.#text = length;
    } else if (kind === 0x2a) {
      const left = countOf(text);
      if (left > MAX_MEMBERS || this.#lists.length >= MAX_DEPTH) {
        throw new ReplyError('a list of Redis is too long');
      }
      if (left <= 0) this.#add(left < 0 ? null : [], behind);
      else this.#lists.push({ items: [], left });
    } else throw new ReplyError('what answers is no Redis');
  }

  /** @param behind bytes that have come of what follows. */
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
  if (!/^-?\d{1,15}$/.test(text)) throw new ReplyError('what answers is no Redis');
  return Number(text);
}
