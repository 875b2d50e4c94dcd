import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { Rejection, Stage } from '../auth/verdict.ts';
import { isGrpcCall } from '../http/grpc.ts';
import type { HttpVersion, Reply, RequestHead, ResponseHead } from '../http/message.ts';
import { type Reason, reasons } from '../reasons.ts';
import { grpcReply } from './grpc.ts';
import { noBody } from './no-body.ts';

const noContent: ResponseHead = {
  status: 204,
  lines: '204 No Content',
  eightBit: false,
  framing: 'none',
  contentLength: -1,
};

/** The walk-through's messages, letter for letter. */
const haproxyMessages: Readonly<Record<Stage, string>> = {
  header: 'Missing Authorization HTTP header',
  algorithm: 'Unsupported JWT signing algorithm',
  issuer: 'Invalid JWT issuer',
  audience: 'Invalid JWT audience',
  signature: 'Invalid JWT signature',
  expiry: 'JWT has expired',
  // The walk-through has no rules of this kind. A client that reads "expired" would fetch the same token again.
  rules: 'JWT is not accepted here',
};

/** A limit on the rate that a client has reached. */
interface UsedQuota {
  readonly limit: {
    /** Its name needs no escape in a quoted string. */
    readonly terms: { readonly name: string; readonly burst: number };
    /** Milliseconds in which a burst comes back. */
    readonly spanMs: number;
  };
  /** Milliseconds after which a request may come. */
  readonly waitMs: number;
}

/** The replies of the gateway that depend on no preflight, rendered once. */
export class Replies {
  /**
   * The reply to OPTIONS for the server in general, which is no more than a ping (RFC 9110 §9.3.7). It needs no token,
   * and says nothing of the routes.
   */
  readonly forServer: Reply = { head: noContent, body: noBody, close: false };
  readonly #byReason: Readonly<Record<Reason, Reply>>;
  readonly #byScope: ReadonlyMap<string, ReadonlyMap<Reason, Reply>>;
  readonly #forGrpc = new WeakMap<Reply, Reply>();
  readonly #byStage: Readonly<Record<Stage, Reply>> | undefined;

  /**
   * @param realm realm of the Bearer challenge; must hold no quote, backslash or control character.
   * @param scopes the scopes that each route demands, as in its challenge: RFC 6749 §3.3, separated by spaces.
   */
  constructor(style: 'rfc6750' | 'haproxy', realm: string, scopes: Iterable<string> = []) {
    const names = Object.keys(reasons) as Reason[];
    this.#byReason = Object.fromEntries(names.map((name) => [name, problem(name, realm)])) as Record<
      Reason,
      Reply
    >;
    const denials = names.filter((name) => reasons[name].challenge === 'insufficient_scope');
    this.#byScope = new Map(
      Array.from(scopes, (scope) => [
        scope,
        new Map(denials.map((name) => [name, problem(name, realm, scope)])),
      ]),
    );
    if (style === 'haproxy') {
      const stages = Object.entries(haproxyMessages).map(([stage, text]) => [stage, denial(text)]);
      this.#byStage = Object.fromEntries(stages) as Record<Stage, Reply>;
    }
  }

  /**
   * A refusal in the form that its client understands, which is another one for gRPC. HAProxy's messages stay as they
   * are: a client of gRPC derives the same status from their 403.
   * @param protocol of the client, which cannot be one of gRPC by HTTP/1.1, whatever it says.
   */
  forClient(reply: Reply, reason: Reason, protocol: HttpVersion, head: RequestHead): Reply {
    if (protocol !== 'h2' || !isGrpcCall(head)) return reply;
    let its = this.#forGrpc.get(reply);
    if (its === undefined) {
      its = this.#isDenial(reply) ? reply : grpcReply(reply, reason);
      this.#forGrpc.set(reply, its);
    }
    return its;
  }

  of(reason: Reason): Reply {
    return this.#byReason[reason];
  }

  /**
   * The refusal of a request beyond a limit on the rate, with the fields of draft-ietf-httpapi-ratelimit-headers-10: of
   * that limit alone, since the others let the request in.
   */
  rateLimited({ limit: { terms, spanMs }, waitMs }: UsedQuota): Reply {
    const { head, body, close } = this.of('rate_limited');
    const wait = Math.ceil(waitMs / 1000);
    const fields = [
      `Retry-After: ${wait}`,
      `RateLimit-Policy: "${terms.name}";q=${terms.burst};w=${Math.ceil(spanMs / 1000)}`,
      `RateLimit: "${terms.name}";r=0;t=${wait}`,
    ];
    return { head: { ...head, lines: [head.lines, ...fields].join('\r\n') }, body, close };
  }

  /** HAProxy's style applies to refused tokens. A status of 5xx means a fault of the gateway, and looks alike in both styles. */
  ofRejection(rejection: Rejection): Reply {
    const { reason, scope } = rejection;
    const ofScope = scope === undefined ? undefined : this.#byScope.get(scope)?.get(reason);
    const reply = ofScope ?? this.#byReason[reason];
    if (this.#byStage === undefined || rejection.stage === undefined || reply.head.status >= 500)
      return reply;
    return this.#byStage[rejection.stage];
  }

  #isDenial(reply: Reply): boolean {
    return this.#byStage !== undefined && Object.values(this.#byStage).includes(reply);
  }
}

/** RFC 9457 body, RFC 6750 challenge. */
function problem(reason: Reason, realm: string, scope?: string): Reply {
  const entry = reasons[reason];
  const lines: [string, string][] = [
    ['Content-Type', 'application/problem+json'],
    ['Cache-Control', 'no-store'],
  ];
  if (entry.challenge === 'bare') lines.push(['WWW-Authenticate', `Bearer realm="${realm}"`]);
  else if (entry.challenge !== 'none') {
    const wanted = scope === undefined ? '' : `, scope="${scope}"`;
    lines.push([
      'WWW-Authenticate',
      `Bearer realm="${realm}", error="${entry.challenge}"${wanted}, error_description="${entry.text}"`,
    ]);
  }
  // RFC 9110 §15.5.22, RFC 6455 §4.4.
  if (reason === 'upgrade_not_allowed')
    lines.push(['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', '13']);
  if (entry.retryAfter !== undefined) lines.push(['Retry-After', String(entry.retryAfter)]);
  const body = JSON.stringify({
    type: `urn:portcullis:rejection:${reason}`,
    title: entry.text,
    status: entry.status,
    code: reason,
  });
  // The line feed lets the prompt of a shell begin on a line of its own.
  return replyOf(entry.status, lines, `${body}\n`, entry.close ?? false);
}

function denial(text: string): Reply {
  return replyOf(403, [['content-type', 'text/html']], text, false);
}

function replyOf(
  status: number,
  headers: readonly (readonly [name: string, value: string])[],
  text: string,
  close: boolean,
): Reply {
  const body = Buffer.from(text);
  const lines = [
    `${status} ${STATUS_CODES[status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n');
  const head: ResponseHead = {
    status,
    lines,
    eightBit: false,
    framing: 'length',
    contentLength: body.length,
  };
  return { head, body, close };
}
