import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { History } from './history.ts';
import type { Stream } from './http-server.ts';
import type { Page } from './page.ts';

/** Pages that are open at one time: some desks and walls. */
const MAX_VIEWERS = 16;
/**
 * Seconds without reading after which a viewer is dropped. It is sent nothing until it has read the last event, so no
 * more than one event waits for it here: 600 KiB of history and 512 KiB of rows.
 */
const MAX_UNREAD_SECONDS = 15;
/** Seconds of one stream. Then the viewer comes back and shows its secret again; one that is no longer there makes room. */
const MAX_STREAM_SECONDS = 300;
/** Milliseconds before a viewer comes back. */
const RETRY_MS = 1_000;
/** Characters of the rows in one event: their number is bounded, but texts in them may be long. */
const MAX_ROWS = 512 * 1024;

interface Viewer {
  readonly response: ServerResponse;
  /** It has logged in, and so can log out. */
  readonly session: boolean;
  /** The number of the last sample that it was sent. */
  sent: number;
  /** Seconds of its stream, and seconds since it last read all. */
  age: number;
  unread: number;
}

/** Those who follow the status by server-sent events (HTML Living Standard § 9.2). */
export class Viewers implements Stream {
  readonly #history: History;
  readonly #era: string;
  readonly #rows: () => string;
  readonly #hasSession: (headers: IncomingHttpHeaders) => boolean;
  readonly #viewers = new Set<Viewer>();

  /**
   * @param era tells the samples of this gateway from those of another one at its address: letters and digits.
   * @param rows JSON of what is shown besides samples; read once for all viewers.
   * @param hasSession whether the cookie of a request is that of a login.
   */
  constructor(
    history: History,
    era: string,
    rows: () => string,
    hasSession: (headers: IncomingHttpHeaders) => boolean,
  ) {
    this.#history = history;
    this.#era = era;
    this.#rows = rows;
    this.#hasSession = hasSession;
  }

  refusal(): Page | undefined {
    if (this.#viewers.size < MAX_VIEWERS) return undefined;
    const body = `${MAX_VIEWERS} viewers follow the status, there is no room for another\n`;
    return { status: 503, type: 'text/plain; charset=utf-8', body };
  }

  /** Sends the history, or the part of it that a viewer that comes back has missed, and from then on what `tell` finds. */
  open(headers: IncomingHttpHeaders, response: ServerResponse): void {
    const [session, sent] = [this.#hasSession(headers), this.#known(headers['last-event-id'])];
    const viewer: Viewer = { response, session, sent, age: 0, unread: 0 };
    this.#viewers.add(viewer);
    response.once('close', () => this.#viewers.delete(viewer));
    response.write(`retry: ${RETRY_MS}\n`);
    this.#send(viewer, 'history', bounded(this.#rows()));
  }

  /** Sends what is new to each viewer; called once a second. */
  tell(): void {
    if (this.#viewers.size === 0) return;
    const text = bounded(this.#rows());
    for (const viewer of this.#viewers) this.#tell(viewer, text);
  }

  #tell(viewer: Viewer, rows: string): void {
    const { response } = viewer;
    viewer.age += 1;
    if (response.writableNeedDrain) {
      viewer.unread += 1;
      if (viewer.unread >= MAX_UNREAD_SECONDS) response.destroy();
      return;
    }
    viewer.unread = 0;
    this.#send(viewer, 'sample', rows);
    if (viewer.age >= MAX_STREAM_SECONDS) response.end();
  }

  #send(viewer: Viewer, event: 'history' | 'sample', rows: string): void {
    const { last } = this.#history;
    const samples = this.#history.after(viewer.sent);
    viewer.sent = last;
    viewer.response.write(
      `id: ${this.#era}-${last}\nevent: ${event}\ndata: {"samples":${samples},"rows":${rows},"session":${viewer.session}}\n\n`,
    );
  }

  /** The number of the last sample that a viewer has, by the id of the event. */
  #known(id: string | readonly string[] | undefined): number {
    const [, era, number] = /^([0-9a-z]+)-(\d{1,12})$/.exec(String(id)) ?? [];
    return era === this.#era ? Number(number) : 0;
  }
}

/** The rows, or null when they are too many characters. */
function bounded(rows: string): string {
  return rows.length > MAX_ROWS ? 'null' : rows;
}
