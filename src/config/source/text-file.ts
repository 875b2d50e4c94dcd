import { closeSync, openSync, readSync } from 'node:fs';

/** A file that cannot be used. The message completes the sentence `<path> …`. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** Whether the file cannot be read at all; otherwise its content is wrong. */
  readonly isOutOfReach: boolean;

  constructor(message: string, isOutOfReach = false) {
    super(message);
    this.isOutOfReach = isOutOfReach;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder',
  ENOTDIR: 'does not exist: a part of the path is no folder',
  ENAMETOOLONG: 'does not exist: the path is too long',
  ELOOP: 'is a link that leads back to itself',
};

/** Reads a file or a pipe of at most `limit` bytes as UTF-8. Throws FileError. */
export function readTextFile(path: string, limit: number): string {
  let bytes: Buffer;
  try {
    bytes = readAtMost(path, limit + 1);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new FileError(`${reasons[code] ?? `cannot be read (${code})`}; must be a readable file`, true);
  }
  if (bytes.length > limit) throw new FileError(`is larger than ${limit} bytes; must be smaller`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileError('is not UTF-8 text; must be a text file');
  }
}

function readAtMost(path: string, length: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const read = readSync(descriptor, buffer, filled, length - filled, null);
      if (read === 0) break;
      filled += read;
    }
    return buffer.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}
