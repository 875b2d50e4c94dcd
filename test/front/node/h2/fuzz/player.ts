import { setImmediate as turn } from 'node:timers/promises';
import type { ClientStream } from '../../../../../src/front/front.ts';
import { H2Client, TestExchange } from '../client.ts';
import { framesIn, types } from '../frames.ts';

/** One request as our side read it. */
export interface Message {
  readonly stream: number;
  readonly method: string;
  readonly target: string;
  /** Lines of names and values, without the host. */
  readonly fields: string;
  readonly host: string;
  readonly fault: string | undefined;
  readonly complete: boolean;
  readonly aborted: boolean;
  /** Empty unless the request is complete: how much of another one came through depends on the pieces. */
  readonly body: string;
}

export interface Outcome {
  readonly messages: readonly Message[];
  /** Streams that were reset, with the error codes, in their order. */
  readonly resets: readonly string[];
  /** The error code with which the connection ended; undefined when it goes on. */
  readonly end: number | undefined;
}

/** Responds as soon as the request is whole, so that the bytes alone decide when. */
class PromptExchange extends TestExchange {
  constructor(client: ClientStream) {
    super(client);
    if (client.head.framing === 'none') this.#respond();
  }

  override onRequestBody(chunk: Uint8Array, last: boolean): void {
    super.onRequestBody(chunk, last);
    if (last) this.#respond();
  }

  #respond(): void {
    if (this.replied === undefined && !this.aborted) this.respond();
  }
}

export function linesOf(names: readonly string[], values: readonly string[]): string {
  return names.map((name, at) => `${name}: ${values[at]}`).join('\n');
}

function messageOf({ client, complete, aborted, body }: TestExchange): Message {
  const { method, path, query, names, values, host, fault, framing } = client.head;
  const whole = complete || framing === 'none';
  return {
    stream: (client as ClientStream & { readonly id: number }).id,
    method,
    target: query === undefined ? path : `${path}?${query}`,
    fields: linesOf(names.slice(1), values.slice(1)),
    host,
    fault,
    complete: whole,
    aborted,
    body: whole ? body : '',
  };
}

/** Plays what a client sends behind its greeting, in these pieces. */
export async function play(pieces: readonly Uint8Array[]): Promise<Outcome> {
  const exchanges: TestExchange[] = [];
  const client = new H2Client({ onRequest: (stream) => exchanges.push(new PromptExchange(stream)) });
  for (const piece of pieces) client.send(piece);
  await turn();
  const { frames, rest } = framesIn(client.socket.bytes);
  if (rest.length > 0) throw new Error('we sent half a frame');
  const [fault] = client.faults;
  if (fault !== undefined) throw fault;
  const goaway = frames.find(({ type }) => type === types.goaway);
  if ((goaway !== undefined) !== client.socket.closed)
    throw new Error('GOAWAY and the end do not go together');
  for (const { client: stream, aborted, replied } of client.socket.closed ? exchanges : []) {
    if (!aborted && replied === undefined && !stream.started) throw new Error('an exchange was left alone');
  }
  return {
    messages: exchanges.map(messageOf),
    resets: frames
      .filter(({ type }) => type === types.reset)
      .map(({ stream, payload }) => `${stream} ${payload.readUInt32BE(0)}`),
    end: goaway?.payload.readUInt32BE(4),
  };
}
