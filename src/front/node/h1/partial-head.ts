/** Bytes of room for the first part of a head, at least. Room doubles, up to the limit of a head. */
const FIRST_ROOM = 1024;

const noBytes = Buffer.alloc(0);

/** The bytes of a head that has not come whole, and how far its lines were checked. */
export class PartialHead {
  bytes: Buffer = noBytes;
  length = 0;
  /** Offset of the first line that was not checked yet. */
  openLine = 0;
  /** Field lines before it. */
  fields = 0;

  /** Takes over a copy of [from, to). @param limit bytes that the whole may have. */
  append(bytes: Buffer, from: number, to: number, limit: number): void {
    const end = this.length + to - from;
    if (end > this.bytes.length) {
      const more = Buffer.allocUnsafeSlow(
        Math.max(end, Math.min(limit, Math.max(FIRST_ROOM, this.bytes.length * 2))),
      );
      this.bytes.copy(more, 0, 0, this.length);
      this.bytes = more;
    }
    bytes.copy(this.bytes, this.length, from, to);
    this.length = end;
  }
}
