type Write = () => void;
type Work = (shared: boolean) => void;

/** Turns after which a loop that had nothing to write belongs to the work alone: some 5 ms of short ones. */
const ALONE_AFTER = 16;

/** Puts off what is done best when a turn of the event loop has read all that came. */
export class Turn {
  #writes: Write[] = [];
  #works: Work[] = [];
  #armed = false;
  /** Turns in a row in which nothing was written but what the work itself brought about. */
  #idleTurns = ALONE_AFTER;

  /** Runs `write` when this turn has read all that came, before any work. */
  atEnd(write: Write): void {
    this.#writes.push(write);
    this.#arm();
  }

  /**
   * Runs `work`, which takes long, behind all writes of this turn, so that their receivers proceed meanwhile. From
   * inside other work it is put off to the next turn.
   *
   * @param work gets whether others use the loop as well and wait until it is done.
   */
  afterWrites(work: Work): void {
    this.#works.push(work);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const writes = this.#writes;
    const works = this.#works;
    this.#armed = false;
    this.#writes = [];
    this.#works = [];
    this.#idleTurns = writes.length > 0 ? 0 : this.#idleTurns + 1;
    const shared = this.#idleTurns < ALONE_AFTER;
    try {
      drain(writes, shared);
      if (works.length === 0) return;
      drain(works, shared);
      // What the work has brought about.
      drain(this.#writes, shared);
    } finally {
      // What stands behind one that threw gets another turn.
      if (writes.length > 0) this.#writes.unshift(...writes);
      if (works.length > 0) this.#works.unshift(...works);
      if (this.#writes.length > 0 || this.#works.length > 0) this.#arm();
    }
  };
}

/** Runs what is in the list now. What is added meanwhile, and what stands behind one that throws, stays in it. */
function drain(list: Work[], shared: boolean): void {
  for (let count = list.length; count > 0; count -= 1) (list.shift() as Work)(shared);
}
