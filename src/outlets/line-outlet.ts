/** Bytes of lines that wait for a disk or a network that is slow. */
export const MAX_WAITING_BYTES: number = 1024 * 1024;
/** Milliseconds in which lines may still leave when the gateway closes. */
export const CLOSE_MS = 2_000;

/** A place to which lines go in the background. None of its methods but `open` rejects. */
export interface LineOutlet {
  /** So much text waits that callers should leave lines out. */
  readonly crowded: boolean;
  /** Lines that are written before wait. @throws StartError when the place is not available */
  open(): Promise<void>;
  /** Takes a line with its line feed, whether or not it can be written. A line that is lost later is counted. */
  write(line: string): void;
  /** Begins anew where that has a meaning: a file that was renamed is made again. */
  reopen(): Promise<void>;
  /** Lets lines that wait leave, but not for long. */
  close(): Promise<void>;
}

/** What an outlet tells of lines that do not arrive. */
export interface OutletEvents {
  /** So many lines are lost. */
  lost(lines: number): void;
  /** Lines cannot be written now. Called as often as that is found. @param why one sentence without a secret. */
  failed(why: string): void;
  /** Lines can be written again. */
  recovered(): void;
}
