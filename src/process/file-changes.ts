import { stat } from 'node:fs/promises';
import { systemClock } from '../lib/clock.ts';

/** Milliseconds within which a file may have changed before it was first looked at, and after it was read. */
const RECENT_MS = 60_000;

/**
 * Finds out which files have changed since the last look, through every symbolic link on the way to them. Events of the
 * system would miss a link in a folder further up, and network file systems have none.
 */
export class FileChanges {
  /** State by path. */
  #seen = new Map<string, string>();

  /**
   * Whether one of these files has changed since the last look, or, where `readBefore` says that files were read and
   * not looked at, in the last minute. Files of the last look that are not among these are forgotten.
   */
  async look(files: readonly string[], readBefore: boolean): Promise<boolean> {
    const seen = new Map<string, string>();
    let changed = false;
    // One after the other: many files must not take all threads of the pool from others.
    for (const file of files) {
      const { state, changedAgoMs } = await stateOf(file);
      seen.set(file, state);
      const before = this.#seen.get(file);
      if (before !== undefined && before !== state) changed = true;
      if (readBefore && changedAgoMs < RECENT_MS) changed = true;
    }
    this.#seen = seen;
    return changed;
  }
}

async function stateOf(file: string): Promise<{ readonly state: string; readonly changedAgoMs: number }> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true });
    return {
      state: [dev, ino, size, mtimeNs, ctimeNs].join(),
      changedAgoMs: systemClock.wall() - Number(ctimeMs),
    };
  } catch (error) {
    return { state: String((error as NodeJS.ErrnoException).code), changedAgoMs: Number.POSITIVE_INFINITY };
  }
}
