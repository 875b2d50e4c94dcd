/** A member of a roster; the number is the roster's. */
export interface Enrolled {
  slot: number;
}

/**
 * The set of things that are alive now, for members that come and go by the ten thousand a second. Not a Set: that
 * abandons its table every few deletions, and the abandoned tables, once old, keep what was alive at their time
 * from being collected young.
 */
export class Roster<T extends Enrolled> {
  private readonly members: T[] = [];

  get size(): number {
    return this.members.length;
  }

  add(member: T): void {
    member.slot = this.members.length;
    this.members.push(member);
  }

  /** The last member takes the place of the one that leaves. */
  delete(member: T): void {
    const last = this.members.pop();
    if (last === undefined || last === member) return;
    this.members[member.slot] = last;
    last.slot = member.slot;
  }

  /** The members as they are now; they may leave while this is read. */
  all(): readonly T[] {
    return [...this.members];
  }
}
