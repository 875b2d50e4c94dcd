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
/** Lines above twice the revocations in force at which the file is rewritten; a small file is not worth it. */
const SPARE_LINES = 1_000;
/** Bytes that wait for a full or slow disk. Text beyond that is dropped, and the file is rewritten from the list instead. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Bytes of the file besides `MAX_LINE` for each possible revocation, so all revocations in force always fit. */
const SPARE_BYTES = 16 * 1024 * 1024;
/** Attempts, one a second, that are skipped after the file could not be rewritten: doubled up to this number. */
const MAX_SKIPPED = 64;

interface Waiting {
  readonly text: string;
  readonly lines: number;
  readonly saved: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Revocations on disk. New lines are appended to a file, which is rewritten when most of its revocations have ended. One
 * gateway alone writes to the file and its folder.
 */
export class Journal {
  readonly #folder: StateFolder;
  readonly #log: Log;
  readonly #maxBytes: number;
  readonly #damaged: DamagedLines;
  #handle: FileHandle | undefined;
  /** Bytes of whole lines; the next write overwrites any bytes after them. */
  #size = 0;
  #lines = 0;
  /** Bytes of a torn line, or of a failed write, follow the whole lines. */
  #dirty = false;
  /** The file has lines that cannot be read; rewriting sets them aside. */
  #isDamaged = false;
  /** The file was removed; it must be rewritten. */
  #isGone = false;
  /** The file differs from the revocations in force; no line is confirmed before it is rewritten. */
  #isBehind = false;
  /** Attempts to skip before the file is rewritten, and the number after the last failure. */
  #skip = 0;
  #lastSkip = 0;
  /** A loss of power could still bring the replaced file back. */
  #isNameUnsafe = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Lines of revocations in force that could not be saved; the next attempt includes them. */
  #unsaved = '';
  #unsavedLines = 0;
  #lastError: string | undefined;
  #writing: Promise<void> | undefined;
  #rewriting: Promise<void> | undefined;
  #successor: Successor | undefined;
  /** The revocations in force and their number; undefined before they are known, when the file cannot be rewritten. */
  #live: { readonly all: () => Iterable<Revocation>; readonly count: () => number } | undefined;

  /**
   * @param entries revocations that may be in force at one time; they bound the file.
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

  /** The file for damaged lines. */
  get damagedPath(): string {
    return this.#damaged.path;
  }

  /** Whether there are damaged lines, in this file or set aside. */
  async hasDamage(): Promise<boolean> {
    return this.#isDamaged || (await this.#damaged.areThere());
  }

  /** Why revocations in force could not be saved; undefined when all are saved. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /**
   * Opens or makes the file and hands out its revocations. Rejects with the file system's error, and with a StartError if
   * others could have written the file or another version did.
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

  /** Reads the file as `open` does, but changes nothing. A missing file holds no revocations. */
  async read(take: (revocation: Revocation) => void): Promise<Loaded> {
    const handle = await this.#folder.openToRead(FILE);
    if (handle === undefined) return { damaged: [], damagedCount: 0, torn: false };
    try {
      return await this.#readFrom(handle, take);
    } finally {
      await handle.close();
    }
  }

  /** Names the source of the revocations in force, from which the file can be rewritten from now on. */
  keeps(all: () => Iterable<Revocation>, count: () => number): void {
    this.#live = { all, count };
    this.#considerRewriting();
  }

  /** Resolves when the revocations are on the disk. Rejects when they are not; `retry` then keeps trying. */
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

  /** Rewrites the file after revocations were dropped. Resolves when it does not hold them any more; rejects as `append`. */
  async renew(): Promise<void> {
    this.#fallBehind('the file is not rewritten yet');
    this.#unsaved = '';
    this.#unsavedLines = 0;
    // A successor in progress, or a write, may contain dropped revocations.
    if (this.#successor !== undefined) this.#successor.isStale = true;
    await this.#rewriting;
    await this.#writing;
    this.#skip = 0;
    this.#considerRewriting();
    await this.#rewriting;
    await this.#writing;
    if (this.#isBehind) throw new Error(this.#lastError);
  }

  /** Tries again to save unsaved revocations. Must be called about once a second. */
  retry(): void {
    if (this.#skip > 0) this.#skip -= 1;
    if (this.#unsaved !== '' && !this.#isBehind) this.#startWriting();
    else this.#considerRewriting();
  }

  /** Resolves when every write has ended, with or without success. */
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
    // The write starts a little later and includes all lines of this turn.
    this.#writing ??= Promise.resolve().then(() => this.#writeWaiting());
  }

  /** Saves all lines that were added during the previous write with one write and one sync. */
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

  /** Keeps unsaved lines for the next attempt. If they are too many, the file is rewritten instead. */
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
      // The file grows this large only if it could not be rewritten for a long time.
      this.#isBehind = true;
      throw new Error(`the file has reached its bound of ${this.#maxBytes} bytes`);
    }
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
   * Throws when the file was renamed, removed or written by another process: a line in it would be confirmed and lost.
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
    if (this.#rewriting !== undefined || this.#skip > 0) return;
    const isLong = this.#lines >= 2 * live.count() + SPARE_LINES || this.#size > this.#maxBytes;
    if (!isLong && !this.#isGone && !this.#isDamaged && !this.#isBehind) return;
    this.#rewriting = this.#rewrite(live.all()).finally(() => {
      this.#rewriting = undefined;
    });
  }

  /** Rewrites the file. A failure loses nothing: the present file is good, but longer than necessary. */
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

  /** Puts the successor in the place of the file. Runs between two writes, so no later line goes into the old file. */
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
    this.#lastSkip = 0;
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
    // The disk may still be full at the next attempt.
    this.#lastSkip = Math.min(MAX_SKIPPED, Math.max(1, 2 * this.#lastSkip));
    this.#skip = this.#lastSkip;
    try {
      await handle?.close();
      await this.#folder.remove(FRESH);
    } catch (error) {
      // The cause, such as a disk that is now read-only, may prevent the removal too.
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
