import type { StateFolder } from '../state/folder.ts';

const FILE = 'revocations.damaged';
/** Bytes of the file: some thousand lines, more than an operator mends by hand. Later lines are dropped. */
const MAX_BYTES = 1024 * 1024;

/** Collects damaged lines of a journal and writes them to a file of their own, for an operator. */
export class DamagedLines {
  readonly #folder: StateFolder;
  #waiting: Buffer[] = [];
  #bytes = 0;

  constructor(folder: StateFolder) {
    this.#folder = folder;
  }

  get path(): string {
    return this.#folder.fileOf(FILE);
  }

  /** Collects a line, as long as there is room. */
  add(line: Buffer): void {
    if (this.#bytes + line.length + 1 > MAX_BYTES) return;
    this.#waiting.push(Buffer.from(line));
    this.#bytes += line.length + 1;
  }

  /** Resolves when the lines are on the disk. Rejects with the file system's error; the lines then wait for the next call. */
  async setAside(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const handle = await this.#folder.openToWrite(FILE);
    try {
      const { size } = await handle.stat();
      const known = Buffer.alloc(Math.min(size, MAX_BYTES));
      await handle.read(known, 0, known.length, 0);
      // After a crash before the journal is rewritten, the file has these lines already.
      const fresh = this.#waiting.filter((line) => line.length > 0 && !known.includes(line));
      let room = MAX_BYTES - size;
      const fitting = fresh.filter((line) => {
        room -= line.length + 1;
        return room >= 0;
      });
      const bytes = Buffer.concat(fitting.flatMap((line) => [line, Buffer.from('\n')]));
      let done = 0;
      while (done < bytes.length) {
        done += (await handle.write(bytes, done, bytes.length - done, size + done)).bytesWritten;
      }
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await this.#folder.sync();
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** Whether the file exists: an operator has not removed it yet. */
  async areThere(): Promise<boolean> {
    return this.#folder.has(FILE);
  }
}
