import type { StateFolder } from '../state/folder.ts';

const FILE = 'revocations.damaged';
/** Bytes of the file: some thousand lines, more than anyone mends by hand. What comes later finds no room. */
const MAX_BYTES = 1024 * 1024;

/** Damaged lines of a journal on their way to a file of their own, where somebody can look at them. */
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

  /** Remembers one until it is set aside, as long as there is room. */
  add(line: Buffer): void {
    if (this.#bytes + line.length + 1 > MAX_BYTES) return;
    this.#waiting.push(Buffer.from(line));
    this.#bytes += line.length + 1;
  }

  /** Resolves when they are on the disk; rejects with what the file system says, and they go on waiting. */
  async setAside(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const handle = await this.#folder.openToWrite(FILE);
    try {
      const { size } = await handle.stat();
      const known = Buffer.alloc(Math.min(size, MAX_BYTES));
      await handle.read(known, 0, known.length, 0);
      // A crash between this and the writing anew of the journal has them set aside twice otherwise.
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

  /** Whether any are set aside and not cleared away yet. */
  async areThere(): Promise<boolean> {
    return this.#folder.has(FILE);
  }
}
