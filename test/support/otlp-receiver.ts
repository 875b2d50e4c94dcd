import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

/** A span as OTLP has it in JSON. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
  /** By name. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of the service. */
  readonly resource: Readonly<Record<string, unknown>>;
}

type Listed = readonly { readonly key: string; readonly value: Value }[];

/** A receiver of OTLP over HTTP that keeps what it gets. */
export class OtlpReceiver {
  /** Spans of requests that were answered with 200. */
  readonly spans: ReceivedSpan[] = [];
  /** The bodies of all requests. */
  text = '';
  requests = 0;
  status = 200;
  readonly #server: Server;
  #held: (() => void)[] | undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  /** From now on no request is answered until `letGo`. */
  hold(): void {
    this.#held = [];
  }

  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request) text += piece;
    this.requests += 1;
    this.text += text;
    const answer = (): void => {
      if (this.status === 200 && request.url === '/v1/traces') this.spans.push(...spansIn(text));
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
    };
    if (this.#held === undefined) answer();
    else this.#held.push(answer);
  }
}

function spansIn(text: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(text);
  return resourceSpans.flatMap(
    ({ resource, scopeSpans }: { resource: { attributes: Listed }; scopeSpans: [] }) =>
      scopeSpans.flatMap(({ spans }: { spans: { attributes: Listed }[] }) =>
        spans.map((span) => ({
          ...span,
          attributes: byName(span.attributes),
          resource: byName(resource.attributes),
        })),
      ),
  );
}

function byName(listed: Listed): Record<string, unknown> {
  return Object.fromEntries(listed.map(({ key, value }) => [key, Object.values(value)[0]]));
}
