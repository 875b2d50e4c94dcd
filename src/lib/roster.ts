/** A member of a roster; only the roster sets the number. */
export interface Enrolled {
  slot: number;
}

/**
 * A set for members that enter and leave ten thousand times a second. A `Set` abandons its table every few deletions.
 * Abandoned tables keep their members alive, so the members are not collected while they are young.
 */
export class Roster<T extends Enrolled> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    member.slot = this.#members.length;
    this.#members.push(member);
  }

  /** Removes a member; the last one takes its place. */
  delete(member: T): void {
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#members[member.slot] = last;
    last.slot = member.slot;
  }

  /** A copy of the members; they may leave while a caller reads it. */
  all(): readonly T[] {
    return [...this.#members];
  }
}
