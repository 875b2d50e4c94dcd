import { fieldsOf, type Reply, type ResponseHead, type Trailers } from '../http/message.ts';

/** The field that a client without TLS must not get (RFC 6797 §7.2). */
const TRANSPORT_SECURITY = 'strict-transport-security';

export interface ResponseFieldRules {
  /** Name as configured → value. */
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

/** The fields that a route adds to responses and removes from them. Heads repeat, so each is changed once. */
export class ResponseFields {
  /** `Strict-Transport-Security` is one of the fields, so that the client's scheme matters. */
  readonly dependsOnScheme: boolean;
  readonly #secure: Change;
  readonly #plain: Change;
  /** In lower case. */
  readonly #dropped: ReadonlySet<string>;

  constructor({ set, remove }: ResponseFieldRules) {
    const fields = [...set];
    const plain = fields.filter(([name]) => name.toLowerCase() !== TRANSPORT_SECURITY);
    const dropped = new Set([...set.keys(), ...remove].map((name) => name.toLowerCase()));
    this.#dropped = dropped;
    this.dependsOnScheme = plain.length < fields.length;
    this.#secure = new Change(fields, dropped);
    this.#plain = this.dependsOnScheme ? new Change(plain, dropped) : this.#secure;
  }

  /** Upstream's response for the client. @param secure the client came by TLS; counts only if `dependsOnScheme`. */
  ofResponse(head: ResponseHead, secure: boolean): ResponseHead {
    return (secure ? this.#secure : this.#plain).ofResponse(head);
  }

  /**
   * An interim response of upstream, such as 103. It loses the same fields as the response. It gets none: what a route
   * says of a response holds for the final one (RFC 9110 §15.2), which carries it.
   */
  ofInterim(head: ResponseHead): ResponseHead {
    return this.#plain.ofInterim(head);
  }

  /** The trailers of upstream's response. They lose the same fields, and get none: `set` belongs to the head. */
  ofTrailers({ names, values }: Trailers): Trailers {
    const isKept = (_: string, at: number): boolean => !this.#dropped.has(names[at] as string);
    return { names: names.filter(isKept), values: values.filter(isKept) };
  }

  /** A reply of the gateway: its own fields stay as they are, because they belong to what it says. */
  ofReply(reply: Reply, secure: boolean): Reply {
    return (secure ? this.#secure : this.#plain).ofReply(reply);
  }
}

class Change {
  readonly #fields: readonly (readonly [name: string, value: string])[];
  readonly #dropped: ReadonlySet<string>;
  readonly #responses = new WeakMap<ResponseHead, ResponseHead>();
  readonly #interims = new WeakMap<ResponseHead, ResponseHead>();
  readonly #replies = new WeakMap<Reply, Reply>();

  /** @param dropped names in lower case. */
  constructor(fields: readonly (readonly [string, string])[], dropped: ReadonlySet<string>) {
    this.#fields = fields;
    this.#dropped = dropped;
  }

  ofResponse(head: ResponseHead): ResponseHead {
    const known = this.#responses.get(head);
    if (known !== undefined) return known;
    const changed = this.#withFields(head, this.#fields);
    this.#responses.set(head, changed);
    return changed;
  }

  ofInterim(head: ResponseHead): ResponseHead {
    const known = this.#interims.get(head);
    if (known !== undefined) return known;
    const changed = this.#withFields(head, []);
    this.#interims.set(head, changed);
    return changed;
  }

  #withFields(head: ResponseHead, added: readonly (readonly [string, string])[]): ResponseHead {
    const [status = '', ...lines] = head.lines.split('\r\n');
    const kept = lines.filter((line) => !this.#dropped.has(line.slice(0, line.indexOf(':')).toLowerCase()));
    return { ...head, lines: [status, ...kept, ...linesOf(added)].join('\r\n') };
  }

  ofReply(reply: Reply): Reply {
    const known = this.#replies.get(reply);
    if (known !== undefined) return known;
    const { head } = reply;
    const own = new Set(fieldsOf(head).map(([name]) => name.toLowerCase()));
    const added = this.#fields.filter(([name]) => !own.has(name.toLowerCase()));
    const changed = { ...reply, head: { ...head, lines: [head.lines, ...linesOf(added)].join('\r\n') } };
    this.#replies.set(reply, changed);
    return changed;
  }
}

function linesOf(fields: readonly (readonly [string, string])[]): readonly string[] {
  return fields.map(([name, value]) => `${name}: ${value}`);
}
