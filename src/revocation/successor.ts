import type { FileHandle } from '../state/folder.ts';
import type { Revocation } from './revocation.ts';
import { header, toLine } from './revocation-line.ts';

/** Lines written in one piece, so that requests are served in between. */
const LINES_AT_ONCE = 500;

/** A file of revocations being written anew, while the present one goes on. */
export class Successor {
  readonly handle: FileHandle;
  size = 0;
  lines = 1;
  /** Whether everything is in it but what is added from now on. */
  isComplete = false;
  /** Whether it holds what is not in force any more. */
  isStale = false;
  /** What was told meanwhile; lines have no order, so it is written as soon as may be. */
  #since = '';

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Takes lines that may have come too late for `write`. */
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

  /** Resolves when what was added is on the disk too. */
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

/** The position behind what was written. */
export async function writeAll(handle: FileHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
  return position + done;
}
