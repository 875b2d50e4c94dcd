import type { Log } from '../lib/log.ts';
import { type FileHandle, StateFolder } from '../state/folder.ts';
import { refusal } from '../state/trust.ts';
import { DamagedLines } from './damaged-lines.ts';
import { type Loaded, MAX_LINE, readLines } from './journal-lines.ts';
import type { Revocation } from './revocation.ts';
import { header, toLine } from './revocation-line.ts';
import { Successor, writeAll } from './successor.ts';

const FILE = 'revocations.log';
const FRESH = 'revocations.log.new';
/** Lines beyond twice the revocations in force at which the file is written anew: a small one is not worth it. */
const SPARE_LINES = 1_000;
/** Bytes that wait for a disk that is full or slow. What finds no room is taken from what is in force, by writing anew. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Bytes of the file beside `MAX_LINE` for each revocation there may be: what is in force fits at any rate. */
const SPARE_BYTES = 16 * 1024 * 1024;
/** Attempts to save, one a second, that are left out after the file could not be written anew: doubled up to this. */
const MAX_REST = 64;

interface Waiting {
  readonly text: string;
  readonly lines: number;
  readonly saved: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Revocations on disk: a file that lines are appended to, and that is written anew when most of it has ended. One
 * gateway writes a file; the folder is its own.
 */
export class Journal {
  readonly #folder: StateFolder;
  readonly #log: Log;
  readonly #maxBytes: number;
  readonly #damaged: DamagedLines;
  #handle: FileHandle | undefined;
  /** Bytes that are known to be whole lines; what stands behind them is overwritten. */
  #size = 0;
  #lines = 0;
  #dirty = false;
  /** Whether it holds lines that cannot be read, which are set aside when it is written anew. */
  #isDamaged = false;
  /** Whether somebody has removed the file; it is then written anew from what is in force. */
  #isGone = false;
  /** Whether the file lacks what is in force or holds what is not; nothing is confirmed until it is written anew. */
  #isBehind = false;
  /** Attempts to be left out before the next writing anew, and how many it were after the last failure. */
  #rest = 0;
  #lastRest = 0;
  /** Whether a loss of power could still bring the file back that was replaced. */
  #isNameUnsafe = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Text in force that could not be saved; the next attempt takes it along. */
  #unsaved = '';
  #unsavedLines = 0;
  #lastError: string | undefined;
  #writing: Promise<void> | undefined;
  #rewriting: Promise<void> | undefined;
  #successor: Successor | undefined;
  /** What is in force, and how many; undefined until that is known, before which nothing is written anew. */
  #live: { readonly all: () => Iterable<Revocation>; readonly count: () => number } | undefined;

  /**
   * @param entries revocations that may be in force at one time, by which the file is bounded.
   * @param readOnly see `StateFolder`.
   */
  constructor(folder: string, log: Log, entries: number, readOnly?: boolean) {
    this.#folder = new StateFolder(folder, readOnly);
    this.#log = log;
    this.#maxBytes = entries * MAX_LINE + SPARE_BYTES;
    this.#damaged = new DamagedLines(this.#folder);
  }

  get path(): string {
    return this.#folder.fileOf(FILE);
  }

  /** Where damaged lines are set aside. */
  get damagedPath(): string {
    return this.#damaged.path;
  }

  /** Whether damaged lines are set aside or still to be. */
  async hasDamage(): Promise<boolean> {
    return this.#isDamaged || (await this.#damaged.areThere());
  }

  /** Why what is in force could not be saved; undefined when all of it is. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /**
   * Opens the file, which is made if need be, and hands out what it holds. Rejects with what the file system says, and
   * with a StartError where others could have written it or another version has.
   */
  async open(take: (revocation: Revocation) => void): Promise<Loaded> {
    await this.#folder.make();
    await this.#folder.remove(FRESH);
    const handle = await this.#folder.openToWrite(FILE);
    this.#handle = handle;
    const loaded = await this.#readFrom(handle, take);
    this.#isDamaged = loaded.damagedCount > 0;
    if (this.#size === 0) await this.#write(header, 1);
    await this.#syncFolder();
    return loaded;
  }

  /** Reads the file as `open` does, and leaves everything as it is; without a file nothing was kept. */
  async read(take: (revocation: Revocation) => void): Promise<Loaded> {
    const handle = await this.#folder.openToRead(FILE);
    if (handle === undefined) return { damaged: [], damagedCount: 0, torn: false };
    try {
      return await this.#readFrom(handle, take);
    } finally {
      await handle.close();
    }
  }

  /** What the file is to hold when it is written anew; from now on it can be. */
  keeps(all: () => Iterable<Revocation>, count: () => number): void {
    this.#live = { all, count };
    this.#considerRewriting();
  }

  /** Resolves when they have reached the disk; rejects when they have not, and then goes on trying with `retry`. */
  append(revocations: readonly Revocation[]): Promise<void> {
    const text = revocations.map(toLine).join('');
    if (this.#waitingBytes > 0 && this.#waitingBytes + text.length > MAX_WAITING) {
      this.#fallBehind('the disk is too slow');
      this.#successor?.add(text, revocations.length);
      return Promise.reject(new Error('the disk is too slow'));
    }
    this.#waitingBytes += text.length;
    return new Promise((saved, failed) => {
      this.#waiting.push({ text, lines: revocations.length, saved, failed });
      this.#startWriting();
    });
  }

  /** Some of what was in force is not any more. Resolves when the file does not hold it either; rejects as `append`. */
  async renew(): Promise<void> {
    this.#fallBehind('the file is not written anew yet');
    this.#unsaved = '';
    this.#unsavedLines = 0;
    // One that is under way may have read what is gone, and so may a write.
    if (this.#successor !== undefined) this.#successor.isStale = true;
    await this.#rewriting;
    await this.#writing;
    this.#rest = 0;
    this.#considerRewriting();
    await this.#rewriting;
    await this.#writing;
    if (this.#isBehind) throw new Error(this.#lastError);
  }

  /** Tries again to save what could not be saved. To be called about once a second. */
  retry(): void {
    if (this.#rest > 0) this.#rest -= 1;
    if (this.#unsaved !== '' && !this.#isBehind) this.#startWriting();
    else this.#considerRewriting();
  }

  /** Resolves when everything that was handed over is saved, or cannot be. */
  async close(): Promise<void> {
    await this.#rewriting;
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #readFrom(handle: FileHandle, take: (revocation: Revocation) => void): Promise<Loaded> {
    const read = await readLines(handle, {
      revocation: take,
      damaged: (line) => this.#damaged.add(line),
    });
    if (read.isOfOtherForm) {
      throw refusal(this.path, 'was written by another version', 'start that version, or move the file away');
    }
    this.#size = read.size;
    this.#lines = read.lines;
    this.#dirty = read.torn;
    return read;
  }

  #fallBehind(why: string): void {
    this.#isBehind = true;
    this.#lastError ??= why;
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
      this.#waitingBytes = 0;
      const text = this.#unsaved + batch.map(({ text }) => text).join('');
      const lines = this.#unsavedLines + batch.reduce((sum, { lines }) => sum + lines, 0);
      try {
        if (this.#successor?.isComplete === true) await this.#switchOver(this.#successor);
        if (this.#isBehind) throw new Error(this.#lastError);
        if (text !== '') await this.#write(text, lines);
        this.#unsaved = '';
        this.#unsavedLines = 0;
        this.#lastError = undefined;
        for (const { saved } of batch) saved();
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.#lastError = code ?? message;
        this.#remember(text, lines);
        for (const { failed } of batch) failed(error);
      }
    } while (this.#waiting.length > 0 || (this.#successor?.isComplete === true && this.#unsaved === ''));
    this.#writing = undefined;
    this.#considerRewriting();
  }

  /** What could not be saved goes with the next attempt, or, when that would be too much, with the writing anew. */
  #remember(text: string, lines: number): void {
    if (text.length > MAX_WAITING) this.#isBehind = true;
    if (this.#isBehind) this.#successor?.add(text, lines);
    this.#unsaved = this.#isBehind ? '' : text;
    this.#unsavedLines = this.#isBehind ? 0 : lines;
  }

  async #write(text: string, lines: number): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error('the file is not open');
    await this.#assertOurs(handle);
    if (this.#size + text.length > this.#maxBytes) {
      // It cannot come to this unless it could not be written anew for a long time.
      this.#isBehind = true;
      throw new Error(`the file has reached its bound of ${this.#maxBytes} bytes`);
    }
    // The rest of a torn line, or of a write that failed half-way.
    if (this.#dirty) await handle.truncate(this.#size);
    if (this.#isNameUnsafe) await this.#syncFolder();
    this.#dirty = true;
    const size = await writeAll(handle, text, this.#size);
    await handle.datasync();
    this.#dirty = false;
    this.#size = size;
    this.#lines += lines;
    this.#successor?.add(text, lines);
  }

  /**
   * Throws when the file has another name by now or none, or another process writes over it: a line in it would be
   * confirmed and lost.
   */
  async #assertOurs(handle: FileHandle): Promise<void> {
    const isNamed = await this.#folder.isNamed(FILE, handle);
    this.#isGone = isNamed === undefined;
    if (isNamed === undefined) throw new Error('the file was removed');
    if (!isNamed || (!this.#dirty && (await handle.stat()).size !== this.#size)) {
      throw new Error('another process writes the file');
    }
  }

  #considerRewriting(): void {
    const live = this.#live;
    if (live === undefined || this.#handle === undefined) return;
    if (this.#rewriting !== undefined || this.#rest > 0) return;
    const isLong = this.#lines >= 2 * live.count() + SPARE_LINES || this.#size > this.#maxBytes;
    if (!isLong && !this.#isGone && !this.#isDamaged && !this.#isBehind) return;
    this.#rewriting = this.#rewrite(live.all()).finally(() => {
      this.#rewriting = undefined;
    });
  }

  /** A failure is no loss: the present file is good, only longer than it need be. */
  async #rewrite(live: Iterable<Revocation>): Promise<void> {
    try {
      await this.#damaged.setAside();
      await this.#folder.remove(FRESH);
      const successor = new Successor(await this.#folder.create(FRESH));
      this.#successor = successor;
      await successor.write(live);
      this.#startWriting();
      await this.#writing;
    } catch (error) {
      await this.#abandon(error);
    }
  }

  /** Runs between two writes, so that no line goes into the old file after it was read out. */
  async #switchOver(successor: Successor): Promise<void> {
    try {
      if (successor.isStale) throw new Error('what was in force has changed');
      await successor.finish();
      await this.#folder.rename(FRESH, FILE);
    } catch (error) {
      await this.#abandon(error);
      return;
    }
    const old = this.#handle;
    this.#handle = successor.handle;
    this.#size = successor.size;
    this.#lines = successor.lines;
    this.#dirty = false;
    this.#isDamaged = false;
    this.#isGone = false;
    this.#isBehind = false;
    this.#lastRest = 0;
    this.#successor = undefined;
    this.#isNameUnsafe = true;
    await this.#syncFolder();
    await old?.close();
  }

  async #abandon(error: unknown): Promise<void> {
    const { handle, isStale } = this.#successor ?? {};
    this.#successor = undefined;
    if (isStale !== true) {
      this.#log.warn({ error, file: this.path }, 'the revocations could not be written anew');
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (this.#isBehind) this.#lastError = code ?? message;
    // Not again at the next line, when the disk may still be full.
    this.#lastRest = Math.min(MAX_REST, Math.max(1, 2 * this.#lastRest));
    this.#rest = this.#lastRest;
    try {
      await handle?.close();
      await this.#folder.remove(FRESH);
    } catch (error) {
      // What made the writing fail, such as a disk that can only be read now, may forbid this too.
      this.#log.warn(
        { error, file: this.path },
        'what was begun of a new file of revocations is still there',
      );
    }
  }

  async #syncFolder(): Promise<void> {
    await this.#folder.sync();
    this.#isNameUnsafe = false;
  }
}
