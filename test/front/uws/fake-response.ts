import type { FrontConfig } from '../../../src/front/front.ts';
import type { EngineResponse } from '../../../src/front/uws/engine.ts';
import { Peers } from '../../../src/front/uws/peers.ts';
import { type StreamTerms, UwsStream } from '../../../src/front/uws/stream.ts';
import type { RequestHead, ResponseHead } from '../../../src/http/message.ts';
import { bareHead } from '../../support/scripted-front.ts';

/** The engine's response object with a socket that takes as many writes as the test allows. */
export class FakeResponse {
  /** Writes that the socket takes before it is full; a refused chunk is buffered, as in the engine. */
  free = Number.POSITIVE_INFINITY;
  /** Calls of the engine, in order. */
  readonly calls: string[] = [];
  writable: (offset: number) => boolean = () => true;
  aborted = (): void => {};
  body: (chunk: ArrayBuffer, last: boolean) => void = () => {};
  #offset = 0;

  onAborted(handler: () => void): this {
    this.aborted = handler;
    return this;
  }
  onData(handler: (chunk: ArrayBuffer, last: boolean) => void): this {
    this.body = handler;
    return this;
  }
  onWritable(handler: (offset: number) => boolean): this {
    this.writable = handler;
    return this;
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  cork(work: () => void): this {
    work();
    return this;
  }
  writeStatus(status: string): this {
    this.calls.push(`status ${status}`);
    return this;
  }
  writeHeader(name: string, value: string): this {
    this.calls.push(`header ${name}: ${value}`);
    return this;
  }
  write(chunk: Uint8Array): boolean {
    this.calls.push(`write ${chunk.length}`);
    this.free -= 1;
    return this.free >= 0;
  }
  tryEnd(chunk: Uint8Array, total: number): [boolean, boolean] {
    this.free -= 1;
    if (this.free < 0) {
      this.calls.push(`tryEnd ${chunk.length} refused`);
      return [false, false];
    }
    this.#offset += chunk.length;
    this.calls.push(`tryEnd ${chunk.length}`);
    return [true, this.#offset === total];
  }
  end(body?: string | Uint8Array, close?: boolean): this {
    this.calls.push(`end ${body?.length ?? 0}${close === true ? ' close' : ''}`);
    return this;
  }
  endWithoutBody(): this {
    this.calls.push('endWithoutBody');
    return this;
  }
  close(): this {
    this.calls.push('close');
    this.aborted();
    return this;
  }
  getWriteOffset(): number {
    return this.#offset;
  }
  getRemoteAddress(): ArrayBuffer {
    return new Uint8Array([127, 0, 0, 1]).buffer;
  }
}

/** Counts the events of a stream. */
export class Events {
  drained = 0;
  readonly replied: boolean[] = [];
  aborted = 0;
  onRequestBody(): void {}
  onAborted(): void {
    this.aborted += 1;
  }
  onDrained(): void {
    this.drained += 1;
  }
  onBodyFault(): void {}
  onReplied(sent: boolean): void {
    this.replied.push(sent);
  }
}

/** For a front of its own. */
export const frontConfig: FrontConfig = {
  uws: undefined,
  trustedProxies: undefined,
  listen: [],
  routes: [],
  limits: { requestHead: 16 * 1024, requestsPerConnection: Number.POSITIVE_INFINITY, headerFields: 100 },
  timeouts: { requestHeadMs: 15_000, keepAliveMs: 75_000, sendMs: 60_000 },
};

export const patient: StreamTerms = { requestsPerConnection: Number.POSITIVE_INFINITY, draining: false };

/** A stream on such a response, or on an object with the parts that a test needs. */
export function streamOn(response: object, head: Partial<RequestHead> = {}, terms = patient): UwsStream {
  const stream = new UwsStream(response as EngineResponse, new Peers(), terms);
  stream.head = { ...bareHead, ...head };
  return stream;
}

/** @param framing of a body of unknown length unless given. */
export function responseHead(lines: string, changes: Partial<ResponseHead> = {}): ResponseHead {
  const framing = changes.contentLength === undefined ? 'chunked' : 'length';
  return {
    status: Number(lines.slice(0, 3)),
    lines,
    eightBit: false,
    framing,
    contentLength: -1,
    ...changes,
  };
}
