import type { TrafficAddress } from '../../src/config/config.ts';
import type {
  ClientEvents,
  ClientStream,
  Front,
  FrontConfig,
  FrontEvents,
  FrontOptions,
} from '../../src/front/front.ts';
import { addressText } from '../../src/http/host-port.ts';
import { bytesAsSent, type Reply, type RequestHead, type ResponseHead } from '../../src/http/message.ts';

/** A request for `/x` without a body or a token. */
export const bareHead: RequestHead = {
  method: 'GET',
  path: '/x',
  query: undefined,
  names: [],
  values: [],
  charset: bytesAsSent,
  host: 'a',
  authorization: undefined,
  authorizationCount: 0,
  framing: 'none',
  contentLength: 0,
  close: false,
  fault: undefined,
};

/** A client whose acts a test scripts, and which notes what its exchange asks for. */
export class ScriptedStream implements ClientStream {
  readonly protocol = 'http/1.1';
  readonly scheme = 'http';
  readonly head: RequestHead;
  readonly address: string | undefined;
  /** The head of a response, which may still wait for its first byte. */
  begun = false;
  started = false;
  behind = false;
  pausing = false;
  /** The client takes what it is sent. */
  free = true;
  /** Replies wait for `sendReply`, as those that end a connection do. */
  repliesLater = false;
  /** The client has taken nothing for too long. */
  stuck = false;
  /** The response as it was sent. */
  status: number | undefined;
  body = '';
  complete = false;
  replies: Reply[] = [];
  #calls: string[];
  #events: ClientEvents | undefined;
  #response: ResponseHead | undefined;
  #waiting: Reply | undefined;
  #wasPaused = false;
  #gone = false;

  /** @param calls a list shared with other recorders, so that all calls stand in one order. */
  constructor(head: RequestHead, calls: string[] = [], address: string | undefined = '192.0.2.1') {
    this.head = head;
    this.#calls = calls;
    this.address = address;
  }

  /** The calls of the exchange since the last time. */
  calls(): string[] {
    return this.#calls.splice(0);
  }

  /** The next bytes of the request body arrive. */
  receive(bytes: Uint8Array, last: boolean): void {
    this.#events?.onRequestBody(bytes, last);
  }

  /** The client leaves. */
  leave(): void {
    this.#gone = true;
    this.#events?.onAborted();
  }

  /** The client takes what was held back. */
  drain(): void {
    this.free = true;
    this.behind = false;
    this.#events?.onDrained();
  }

  sendReply(): void {
    const reply = this.#waiting;
    if (reply === undefined) throw new Error('no reply waits');
    this.#waiting = undefined;
    this.#give(reply);
  }

  peer(): string | undefined {
    return this.address;
  }

  listen(events: ClientEvents): void {
    this.#events = events;
  }

  takeBody(): void {}

  pauseBody(): void {
    if (this.pausing) return;
    this.pausing = true;
    this.#wasPaused = true;
    this.#calls.push('pause');
  }

  resumeBody(): void {
    if (!this.pausing) return;
    this.pausing = false;
    this.#calls.push('resume');
  }

  takePaused(): boolean {
    const paused = this.pausing || this.#wasPaused;
    this.#wasPaused = false;
    return paused;
  }

  keepBody(): void {
    this.#calls.push('keep the body');
  }

  releaseBody(): void {
    this.#calls.push('release the body');
  }

  begin(head: ResponseHead): void {
    this.begun = true;
    this.#response = head;
  }

  send(pieces: readonly Uint8Array[], last: boolean): boolean {
    if (pieces.length === 0 && !last) return true;
    this.started = true;
    this.status = this.#response?.status;
    for (const piece of pieces) this.body += Buffer.from(piece).toString('latin1');
    this.complete = last;
    this.behind = !this.free;
    this.#calls.push(last ? 'send the end' : 'send');
    return this.free;
  }

  reply(reply: Reply): void {
    if (this.started) {
      this.abort();
      this.#events?.onReplied(false);
    } else if (this.repliesLater) this.#waiting = reply;
    else this.#give(reply);
  }

  abort(): void {
    this.#gone = true;
    this.#calls.push('abort');
  }

  review(): boolean {
    return !this.stuck;
  }

  #give(reply: Reply): void {
    const isSent = !this.#gone;
    if (isSent) {
      this.started = true;
      this.status = reply.head.status;
      this.body = Buffer.from(reply.body).toString('latin1');
      this.complete = true;
      this.replies.push(reply);
    }
    this.#events?.onReplied(isSent);
  }
}

/** A front without sockets, whose clients the test makes. */
export class ScriptedFront implements Front {
  readonly listening = new Set<string>();
  isStopped = false;
  draining = false;
  isClosed = false;
  config: FrontConfig;
  readonly #events: FrontEvents;

  constructor({ events, config }: FrontOptions) {
    this.#events = events;
    this.config = config;
  }

  /** A request arrives. */
  request(changes: Partial<RequestHead> = {}): ScriptedStream {
    const stream = new ScriptedStream({ ...bareHead, ...changes });
    this.#events.onRequest(stream);
    return stream;
  }

  async open(): Promise<void> {}

  async listen(address: TrafficAddress): Promise<string> {
    this.listening.add(addressText(address));
    return addressText(address);
  }

  unlisten(address: TrafficAddress): void {
    this.listening.delete(addressText(address));
  }

  async takeWaiting(): Promise<void> {}

  stopListening(): void {
    this.isStopped = true;
    this.listening.clear();
  }

  follow(config: FrontConfig): void {
    this.config = config;
  }

  drain(): void {
    this.draining = true;
  }

  close(): void {
    this.isStopped = true;
    this.isClosed = true;
  }
}
