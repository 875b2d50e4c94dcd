type Write = () => void;
type Work = (shared: boolean) => void;

/** Turns in a row without a write after which work gets longer slices: some 5 ms of short turns. */
const ALONE_AFTER = 16;

/** Runs writes, and then long work, at the end of a turn of the event loop, when all arrived bytes are read. */
export class Turn {
  #writes: Write[] = [];
  #works: Work[] = [];
  #armed = false;
  /** Turns in a row without writes, apart from those that the work itself caused. */
  #idleTurns = ALONE_AFTER;

  /** Runs `write` at the end of this turn, before any work. */
  atEnd(write: Write): void {
    this.#writes.push(write);
    this.#arm();
  }

  /**
   * Runs `work`, which takes long, after all writes of this turn, so that their receivers proceed meanwhile. Work that is
   * added from inside other work runs in the next turn.
   * @param work gets whether requests share the loop, and wait until the work is done.
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
      // The writes that the work has caused.
      drain(this.#writes, shared);
    } finally {
      // Entries after one that threw get another turn.
      if (writes.length > 0) this.#writes.unshift(...writes);
      if (works.length > 0) this.#works.unshift(...works);
      if (this.#writes.length > 0 || this.#works.length > 0) this.#arm();
    }
  };
}

/** Runs the entries that are in the list now. Entries added meanwhile, and those after one that throws, stay in it. */
function drain(list: Work[], shared: boolean): void {
  for (let count = list.length; count > 0; count -= 1) (list.shift() as Work)(shared);
}
