import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { settledWithin } from '../lib/settled-within.ts';
import { StartError } from '../lib/start-error.ts';
import { CLOSE_MS, type LineOutlet, MAX_WAITING_BYTES, type OutletEvents } from './line-outlet.ts';

/** Bytes of one write. It is all that a disk which hangs can hold besides the lines that wait. */
const MAX_WRITE_BYTES = 64 * 1024;
/** A file that only appends grows at its end, also where several processes write. A FIFO without a reader fails at once. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** The lines tell who asked for what: no other user may read them. */
const MODE = 0o640;
const LINE_FEED = 0x0a;

/** Appends lines to a file. Lines that a full disk refuses are lost and counted, and the next ones are tried. */
export class FileOutlet implements LineOutlet {
  readonly #path: string;
  readonly #events: OutletEvents;
  #file: FileHandle | undefined;
  #waiting: string[] = [];
  #bytes = 0;
  /** The work under way, which ends when nothing waits; never rejects. */
  #working: Promise<void> | undefined;
  #reopens = false;
  /** The file ends in the middle of a line. */
  #torn = false;

  constructor(path: string, events: OutletEvents) {
    this.#path = path;
    this.#events = events;
  }

  get crowded(): boolean {
    return this.#bytes >= MAX_WAITING_BYTES;
  }

  async open(): Promise<void> {
    this.#file = await this.#opened();
    this.#work();
  }

  write(line: string): void {
    this.#waiting.push(line);
    this.#bytes += Buffer.byteLength(line);
    this.#work();
  }

  /** Resolves when the lines go to the file that has the path now. If it cannot be opened, they go where they went before. */
  reopen(): Promise<void> {
    this.#reopens = true;
    this.#work();
    return this.#working ?? Promise.resolve();
  }

  async close(): Promise<void> {
    await settledWithin(this.#working, CLOSE_MS);
    this.#lose(this.#waiting.length);
    this.#waiting = [];
    const file = this.#file;
    this.#file = undefined;
    // A write that hangs keeps the descriptor; the process ends without it.
    if (this.#working === undefined) await file?.close();
  }

  #work(): void {
    if (this.#file === undefined || this.#working !== undefined) return;
    this.#working = this.#run();
  }

  async #run(): Promise<void> {
    // The lines of one turn leave together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#file !== undefined && (this.#reopens || this.#waiting.length > 0)) {
      if (this.#reopens) await this.#swap();
      else await this.#append(this.#file, this.#take());
    }
    // In the turn in which nothing waits: the next line begins the work anew.
    this.#working = undefined;
  }

  async #swap(): Promise<void> {
    this.#reopens = false;
    try {
      const before = this.#file;
      this.#file = await this.#opened();
      this.#torn = false;
      await before?.close();
    } catch (error) {
      this.#events.failed(whyOf(error));
    }
  }

  /** Whole lines for one write. */
  #take(): readonly string[] {
    let [bytes, count] = [0, 0];
    while (count < this.#waiting.length && (count === 0 || bytes < MAX_WRITE_BYTES)) {
      bytes += Buffer.byteLength(this.#waiting[count] as string);
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #append(file: FileHandle, lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from((this.#torn ? '\n' : '') + lines.join(''));
    let at = 0;
    try {
      while (at < bytes.length) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
      this.#torn = false;
      this.#events.recovered();
    } catch (error) {
      const whole = bytes.subarray(this.#torn ? 1 : 0, at).filter((byte) => byte === LINE_FEED).length;
      if (at > 0) this.#torn = bytes[at - 1] !== LINE_FEED;
      this.#lose(lines.length - whole);
      this.#events.failed(whyOf(error));
    }
  }

  #lose(lines: number): void {
    if (lines > 0) this.#events.lost(lines);
  }

  async #opened(): Promise<FileHandle> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path, FLAGS, MODE);
      if ((await file.stat()).isFile()) return file;
    } catch (error) {
      throw new StartError(`the access log ${this.#path} cannot be opened: ${whyOf(error)}`, {
        cause: error,
      });
    }
    await file.close();
    throw new StartError(`the access log ${this.#path} is no file; choose another path`);
  }
}

function whyOf(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
