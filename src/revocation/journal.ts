import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/log.ts';
import type { Revocation } from './revocation.ts';
import { fromLine, header, toLine } from './revocation-line.ts';

const FILE = 'revocations.log';
/** Lines beyond twice the revocations in force at which the file is written anew: a small one is not worth it. */
const SPARE_LINES = 1_000;
/** Lines written in one piece when the file is written anew, so that requests are served in between. */
const LINES_AT_ONCE = 500;
/** Only the gateway's user may read who was revoked. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface Loaded {
  readonly revocations: readonly Revocation[];
  /** Line numbers that cannot be read, so that what they revoked is not in force; empty when all is well. */
  readonly damaged: readonly number[];
  /** Whether the last line was cut off by a crash; nobody was told that it had been saved. */
  readonly torn: boolean;
}

interface Waiting {
  readonly text: string;
  readonly lines: number;
  readonly saved: () => void;
  readonly failed: (error: unknown) => void;
}

/** The file being written anew. */
interface Successor {
  readonly handle: FileHandle;
  size: number;
  lines: number;
  /** What was saved in the present file meanwhile. */
  since: string;
  complete: boolean;
}

/**
 * Revocations on disk: a file that lines are appended to, and that is written anew when most of it has ended. One
 * gateway writes a file; the folder is its own.
 */
export class Journal {
  readonly path: string;
  readonly #folder: string;
  readonly #log: Log;
  #handle: FileHandle | undefined;
  /** Bytes that are known to be whole lines; what stands behind them is overwritten. */
  #size = 0;
  #lines = 0;
  #rewriteAt = SPARE_LINES;
  #dirty = false;
  #damaged = false;
  /** Whether somebody has removed the file; it is then written anew from what is in force. */
  #isGone = false;
  /** Whether a loss of power could still bring the file back that was replaced. */
  #isNameUnsafe = false;
  #waiting: Waiting[] = [];
  /** Text in force that could not be saved; the next attempt takes it along. */
  #unsaved = '';
  #unsavedLines = 0;
  #lastError: string | undefined;
  #writing: Promise<void> | undefined;
  #rewriting: Promise<void> | undefined;
  #successor: Successor | undefined;
  #live: () => Iterable<Revocation> = () => [];
  #liveCount: () => number = () => 0;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
    this.path = join(folder, FILE);
  }

  /** Why what is in force could not be saved; undefined when all of it is. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Opens the file, which is made if need be, and reads it. Throws what the file system says. */
  async open(): Promise<Loaded> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
    await rm(`${this.path}.new`, { force: true });
    this.#handle = await open(this.path, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
    const loaded = this.#read(await readFile(this.path));
    this.#damaged = loaded.damaged.length > 0;
    if (this.#size === 0) await this.#write(header, 1);
    await this.#syncFolder();
    return loaded;
  }

  /** Reads the file as `open` does, and leaves everything as it is; without a file nothing was kept. */
  async look(): Promise<Loaded> {
    try {
      return this.#read(await readFile(this.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { revocations: [], damaged: [], torn: false };
    }
  }

  /** What the file is to hold when it is written anew. */
  keeps(live: () => Iterable<Revocation>, count: () => number): void {
    this.#live = live;
    this.#liveCount = count;
  }

  /** Resolves when they have reached the disk; rejects when they have not, and then goes on trying with `retry`. */
  append(revocations: readonly Revocation[]): Promise<void> {
    const text = revocations.map(toLine).join('');
    return new Promise((saved, failed) => {
      this.#waiting.push({ text, lines: revocations.length, saved, failed });
      this.#startWriting();
    });
  }

  /** Tries again to save what could not be saved. */
  retry(): void {
    if (this.#unsaved !== '') this.#startWriting();
  }

  /** Resolves when everything that was handed over is saved, or cannot be. */
  async close(): Promise<void> {
    await this.#rewriting;
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #read(bytes: Buffer): Loaded {
    const revocations: Revocation[] = [];
    const damaged: number[] = [];
    let number = 0;
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      number += 1;
      const line = bytes.toString('utf8', start, end);
      start = end + 1;
      const revocation = number === 1 ? undefined : fromLine(line);
      if (revocation !== undefined) revocations.push(revocation);
      else if (number > 1 || `${line}\n` !== header) damaged.push(number);
    }
    this.#size = start;
    this.#lines = number;
    this.#dirty = start < bytes.length;
    return { revocations, damaged, torn: this.#dirty };
  }

  #startWriting(): void {
    // Not at once: what else comes in this turn goes with it.
    this.#writing ??= Promise.resolve().then(() => this.#writeWaiting());
  }

  /** One write and one wait for the disk for all that came during the one before. */
  async #writeWaiting(): Promise<void> {
    do {
      const batch = this.#waiting;
      this.#waiting = [];
      const text = this.#unsaved + batch.map(({ text }) => text).join('');
      const lines = this.#unsavedLines + batch.reduce((sum, { lines }) => sum + lines, 0);
      try {
        if (this.#successor?.complete === true) await this.#switchOver(this.#successor);
        if (text !== '') await this.#write(text, lines);
        this.#unsaved = '';
        this.#unsavedLines = 0;
        this.#lastError = undefined;
        for (const { saved } of batch) saved();
      } catch (error) {
        this.#unsaved = text;
        this.#unsavedLines = lines;
        const { code, message } = error as NodeJS.ErrnoException;
        this.#lastError = code ?? message;
        for (const { failed } of batch) failed(error);
      }
    } while (this.#waiting.length > 0 || (this.#successor?.complete === true && this.#unsaved === ''));
    this.#writing = undefined;
    this.#considerRewriting();
  }

  async #write(text: string, lines: number): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error('the file is not open');
    await this.#assertOurs(handle);
    // The rest of a torn line, or of a write that failed half-way.
    if (this.#dirty) await handle.truncate(this.#size);
    if (this.#isNameUnsafe) await this.#syncFolder();
    this.#dirty = true;
    const size = await writeAll(handle, text, this.#size);
    await handle.datasync();
    this.#dirty = false;
    this.#size = size;
    this.#lines += lines;
    if (this.#successor !== undefined) {
      this.#successor.since += text;
      this.#successor.lines += lines;
    }
  }

  /**
   * A line in a file that nobody finds again, or that another process writes over, would be confirmed and lost. Throws
   * then.
   */
  async #assertOurs(handle: FileHandle): Promise<void> {
    const [own, named] = await Promise.all([handle.stat(), statOf(this.path)]);
    this.#isGone = named === undefined;
    if (named === undefined) throw new Error('the file was removed');
    if (named.ino !== own.ino || named.dev !== own.dev || (!this.#dirty && own.size !== this.#size)) {
      throw new Error('another process writes the file');
    }
  }

  /** A damaged file is left as it is, for someone to look at. */
  #considerRewriting(): void {
    if (this.#rewriting !== undefined || this.#handle === undefined) return;
    const isLong = this.#lines >= Math.max(this.#rewriteAt, 2 * this.#liveCount() + SPARE_LINES);
    if (!this.#isGone && (this.#damaged || !isLong)) return;
    this.#rewriting = this.#rewrite().finally(() => {
      this.#rewriting = undefined;
    });
  }

  /** A failure is no loss: the present file is good, only longer than it need be. */
  async #rewrite(): Promise<void> {
    const path = `${this.path}.new`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
      const handle = await open(path, 'w', FILE_MODE);
      const successor: Successor = { handle, size: 0, lines: 1, since: '', complete: false };
      this.#successor = successor;
      let text = header;
      let count = 0;
      for (const revocation of this.#live()) {
        text += toLine(revocation);
        successor.lines += 1;
        count += 1;
        if (count % LINES_AT_ONCE !== 0) continue;
        successor.size = await writeAll(handle, text, successor.size);
        text = '';
      }
      successor.size = await writeAll(handle, text, successor.size);
      await handle.datasync();
      successor.complete = true;
      this.#startWriting();
      await this.#writing;
    } catch (error) {
      await this.#abandon(error);
    }
  }

  /** Runs between two writes, so that no line goes into the old file after it was read out. */
  async #switchOver(successor: Successor): Promise<void> {
    try {
      await writeAll(successor.handle, successor.since, successor.size);
      successor.size += Buffer.byteLength(successor.since);
      await successor.handle.datasync();
      await rename(`${this.path}.new`, this.path);
    } catch (error) {
      await this.#abandon(error);
      return;
    }
    const old = this.#handle;
    this.#handle = successor.handle;
    this.#size = successor.size;
    this.#lines = successor.lines;
    this.#dirty = false;
    this.#damaged = false;
    this.#rewriteAt = SPARE_LINES;
    this.#successor = undefined;
    this.#isNameUnsafe = true;
    await this.#syncFolder();
    await old?.close();
  }

  async #abandon(error: unknown): Promise<void> {
    this.#log.warn({ error, file: this.path }, 'the revocations could not be written anew; their file grows');
    const { handle } = this.#successor ?? {};
    this.#successor = undefined;
    // Not again at the next line, when the disk may still be full.
    this.#rewriteAt = this.#lines * 2;
    try {
      await handle?.close();
      await rm(`${this.path}.new`, { force: true });
    } catch (error) {
      // What made the writing fail, such as a disk that can only be read now, may forbid this too.
      this.#log.warn(
        { error, file: this.path },
        'what was begun of a new file of revocations is still there',
      );
    }
  }

  /** Only then is a new name in the folder sure to outlive a loss of power. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
      this.#isNameUnsafe = false;
    } finally {
      await folder.close();
    }
  }
}

/** Undefined where there is no such file. */
async function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** The position behind what was written. */
async function writeAll(handle: FileHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
  return position + done;
}
