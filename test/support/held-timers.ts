import { mock } from 'node:test';

/** Timers of one length, which stand still until a test calls `pass`; all other timers of this process are real. */
export class HeldTimers {
  private readonly milliseconds: number;
  private now = 0;
  private readonly armed = new Set<HeldTimer>();
  private readonly mocks: { restore(): void }[] = [];

  /** @param milliseconds the length of the timers to hold. */
  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    const arm = (work: () => void, length?: number): unknown =>
      length === milliseconds ? this.hold(work) : set(work, length);
    const disarm = (timer: unknown): void => {
      if (timer instanceof HeldTimer) this.armed.delete(timer);
      else clear(timer as NodeJS.Timeout);
    };
    this.mocks.push(mock.method(globalThis, 'setTimeout', arm as never).mock);
    this.mocks.push(mock.method(globalThis, 'clearTimeout', disarm as never).mock);
  }

  /** Timers armed now. */
  get count(): number {
    return this.armed.size;
  }

  /** How often timers were put off. */
  refreshed = 0;

  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const timer of this.armed) {
      if (timer.due > this.now) continue;
      this.armed.delete(timer);
      timer.work();
    }
  }

  release(): void {
    for (const each of this.mocks) each.restore();
  }

  private hold(work: () => void): HeldTimer {
    const due = (): number => this.now + this.milliseconds;
    const timer = new HeldTimer(work, () => {
      this.refreshed += 1;
      return due();
    });
    timer.due = due();
    this.armed.add(timer);
    return timer;
  }
}

class HeldTimer {
  due = 0;
  readonly work: () => void;
  private readonly renew: () => number;

  constructor(work: () => void, renew: () => number) {
    this.work = work;
    this.renew = renew;
  }

  refresh(): this {
    this.due = this.renew();
    return this;
  }

  unref(): this {
    return this;
  }
}
