import type { FileHandle } from '../state/folder.ts';
import type { Revocation } from './revocation.ts';
import { header, toLine } from './revocation-line.ts';

/** Lines written together; requests are served in between. */
const LINES_AT_ONCE = 500;

/** The new file of revocations, which is written while the present one stays in use. */
export class Successor {
  readonly handle: FileHandle;
  size = 0;
  lines = 1;
  /** It holds everything but the lines that are added from now on. */
  isComplete = false;
  /** It holds revocations that were dropped. */
  isStale = false;
  /** Lines added during the writing. Lines have no order, so they go into the next write. */
  #since = '';

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Adds lines that may be too late for `write`. */
  add(text: string, lines: number): void {
    this.#since += text;
    this.lines += lines;
  }

  async write(live: Iterable<Revocation>): Promise<void> {
    let text = header;
    let count = 0;
    for (const revocation of live) {
      text += toLine(revocation);
      count += 1;
      if (count % LINES_AT_ONCE !== 0) continue;
      await this.#write(text);
      text = '';
    }
    await this.#write(text);
    await this.handle.datasync();
    this.lines += count;
    this.isComplete = true;
  }

  /** Resolves when all added lines are on the disk too. */
  async finish(): Promise<void> {
    await this.#write('');
    await this.handle.datasync();
  }

  async #write(text: string): Promise<void> {
    const all = text + this.#since;
    this.#since = '';
    this.size = await writeAll(this.handle, all, this.size);
  }
}

/** Writes the whole text and returns the position after it. */
export async function writeAll(handle: FileHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
  return position + done;
}
