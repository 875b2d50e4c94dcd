import type { FileHandle } from '../state/folder.ts';
import type { Revocation } from './revocation.ts';
import { fromLine, header, isHeader } from './revocation-line.ts';

/** Bytes read in one piece, so a long file need not fit into memory. */
const PIECE = 256 * 1024;
/** Bytes of a line: five marks of 64 characters, all escaped, have 2 KiB. A longer line is damaged. */
export const MAX_LINE = 8 * 1024;
/** Damaged lines whose numbers are reported; the others are counted. */
const MAX_NAMED = 100;

export interface Loaded {
  /** Numbers of the first lines that cannot be read. Their revocations are not in force. */
  readonly damaged: readonly number[];
  readonly damagedCount: number;
  /** A crash cut off the last line, which was never confirmed as saved. */
  readonly torn: boolean;
}

export interface LinesRead extends Loaded {
  /** Bytes of whole lines. */
  readonly size: number;
  readonly lines: number;
  /** The first line says that another version wrote the file. */
  readonly isOfOtherForm: boolean;
}

export interface LineTakers {
  readonly revocation: (revocation: Revocation) => void;
  /** Gets at most `MAX_LINE` bytes of the line, without its end. */
  readonly damaged: (line: Buffer) => void;
}

/** Reads a file of revocations from its start, piece by piece. Rejects with the file system's error. */
export async function readLines(handle: FileHandle, takers: LineTakers): Promise<LinesRead> {
  const damaged: number[] = [];
  let damagedCount = 0;
  let lines = 0;
  let size = 0;
  let isOfOtherForm = false;
  const take = (line: Buffer, isWhole: boolean): void => {
    lines += 1;
    const text = line.toString('utf8');
    if (lines === 1) {
      if (`${text}\n` === header) return;
      isOfOtherForm = isHeader(text);
    }
    const revocation = lines === 1 || !isWhole ? undefined : fromLine(text);
    if (revocation !== undefined) {
      takers.revocation(revocation);
      return;
    }
    damagedCount += 1;
    if (damaged.length < MAX_NAMED) damaged.push(lines);
    takers.damaged(line);
  };
  const piece = Buffer.allocUnsafe(PIECE);
  let position = 0;
  /** The start of a line whose end is in a later piece, at most `MAX_LINE` bytes. */
  let begun = Buffer.alloc(0);
  let begunLength = 0;
  for (;;) {
    const { bytesRead } = await handle.read(piece, 0, PIECE, position);
    if (bytesRead === 0) break;
    let start = 0;
    for (;;) {
      const end = piece.subarray(0, bytesRead).indexOf(10, start);
      const part = piece.subarray(start, end < 0 ? bytesRead : end);
      const line = Buffer.concat([begun, part.subarray(0, Math.max(0, MAX_LINE - begun.length))]);
      begunLength += part.length;
      if (end < 0) {
        begun = line;
        break;
      }
      take(line, begunLength <= MAX_LINE);
      begun = Buffer.alloc(0);
      begunLength = 0;
      start = end + 1;
      size = position + start;
    }
    position += bytesRead;
  }
  return { damaged, damagedCount, torn: size < position, size, lines, isOfOtherForm };
}
