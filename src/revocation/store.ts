import type { Clock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import type { Journal } from './journal.ts';
import type { Loaded } from './journal-lines.ts';
import type { Revocation, Source } from './revocation.ts';
import type { RevocationList } from './revocation-list.ts';
import { Sweeper } from './sweeper.ts';

/** Milliseconds between two sweeps, and between two attempts to save revocations. */
const TICK_MS = 1_000;

/**
 * The result for new revocations. `done`: in force and saved. `full`: refused for lack of room. `unsaved`: in force, but
 * lost if the process ends before the disk takes them.
 */
export type Acceptance = 'done' | 'full' | 'unsaved';

export interface RevocationStoreOptions {
  readonly list: RevocationList;
  /** Undefined: revocations end with the process. */
  readonly journal: Journal | undefined;
  /** Sends own revocations to other gateways. */
  readonly publish?: ((revocations: readonly Revocation[]) => void) | undefined;
  /** Sends revocations to processes with replicas. Resolves when they are in force there; never rejects. */
  readonly distribute?: ((revocations: readonly Revocation[]) => Promise<void>) | undefined;
  /** Makes the replicas drop the revocations that came only from Redis; resolves as `distribute` does. */
  readonly distributeDrop?: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Puts revocations in force and saves them. */
export class RevocationStore {
  /** Revocations received, by source; known ones count too. */
  readonly received = new CounterFamily();
  readonly #list: RevocationList;
  readonly #journal: Journal | undefined;
  readonly #publish: RevocationStoreOptions['publish'];
  readonly #distribute: RevocationStoreOptions['distribute'];
  readonly #distributeDrop: RevocationStoreOptions['distributeDrop'];
  readonly #sweeper: Sweeper;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #damage: string | undefined;
  /** A revocation was refused for lack of room, and there still is no room. */
  #full = false;

  constructor(options: RevocationStoreOptions) {
    this.#list = options.list;
    this.#journal = options.journal;
    this.#publish = options.publish;
    this.#distribute = options.distribute;
    this.#distributeDrop = options.distributeDrop;
    this.#sweeper = new Sweeper(options.list, options.clock);
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Puts the stored revocations in force. Rejects with the file system's error. */
  async open(): Promise<void> {
    if (this.#journal !== undefined) await this.#load(this.#journal);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Puts the stored revocations in force without opening the file for writing, for a process that only reads. */
  async read(): Promise<void> {
    if (this.#journal === undefined) return;
    this.#logDamage(await this.#journal.read(this.#restore), this.#journal);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#journal?.close();
  }

  get size(): number {
    return this.#list.size;
  }

  /** The number of revocations that came only from Redis. */
  get foreign(): number {
    return this.#list.foreign;
  }

  /** Wall-clock seconds of the first and the last event in force; undefined when no event has a time. */
  span(): { readonly oldest: number | undefined; readonly newest: number | undefined } {
    return this.#list.span();
  }

  /** Problems for an operator, one sentence each. */
  troubles(): readonly string[] {
    const troubles: string[] = [];
    if (this.#damage !== undefined) troubles.push(this.#damage);
    if (this.#full) troubles.push('revocations are refused because revocation.entries are in force');
    const error = this.#journal?.lastError;
    if (error !== undefined) troubles.push(`revocations in force could not be saved (${error})`);
    return troubles;
  }

  /** Takes all of them or none. They are in force here when this returns, and in every process when it resolves. */
  async accept(revocations: readonly Revocation[], source: Exclude<Source, 'redis'>): Promise<Acceptance> {
    const now = this.#clock.wall() / 1000;
    // A revocation that has ended hits no living token.
    const living = revocations.filter(({ expiresAt }) => expiresAt > now);
    if (!this.#list.hasRoomFor(living)) {
      if (!this.#full) this.#log.error({ inForce: this.#list.size }, 'revocations are refused: no room');
      this.#full = true;
      return 'full';
    }
    this.#full = false;
    this.received.of(source).value += revocations.length;
    const changed = living.filter((revocation) => this.#list.add(revocation));
    this.#publish?.(changed);
    // Sends all of them: a repeated revocation may not be in force in every process yet.
    const distributed = this.#distribute?.(living);
    const saved = await this.#save(changed);
    await distributed;
    return saved;
  }

  /**
   * Puts the revocations of other gateways in force before it returns, as many as have room: each one closes a gap.
   * @returns whether there was room for all.
   */
  acceptForeign(revocations: readonly Revocation[]): boolean {
    const now = this.#clock.wall() / 1000;
    this.received.of('redis').value += revocations.length;
    const changed: Revocation[] = [];
    let isWhole = true;
    for (const revocation of revocations) {
      if (revocation.expiresAt <= now) continue;
      if (!this.#list.hasRoomForForeign(revocation)) isWhole = false;
      else if (this.#list.add(revocation)) changed.push(revocation);
    }
    void this.#save(changed);
    void this.#distribute?.(changed);
    return isWhole;
  }

  /**
   * Drops the revocations that came only from Redis and resolves with their number. They are not in force here when this
   * returns, and in no process when it resolves. `unsaved`: a restart would bring them back.
   */
  async dropForeign(): Promise<{ readonly dropped: number; readonly acceptance: 'done' | 'unsaved' }> {
    const dropped = this.#list.dropForeign();
    this.#full = false;
    const distributed = this.#distributeDrop?.();
    let acceptance: 'done' | 'unsaved' = 'done';
    try {
      await this.#journal?.renew();
    } catch (error) {
      this.#log.error({ error }, 'what Redis told was dropped, but could not be taken out of the file');
      acceptance = 'unsaved';
    }
    await distributed;
    return { dropped, acceptance };
  }

  async #save(changed: readonly Revocation[]): Promise<Acceptance> {
    if (this.#journal === undefined) return 'done';
    try {
      // Even without a change: a repeated revocation may not be saved yet.
      await this.#journal.append(changed);
      return 'done';
    } catch (error) {
      this.#log.error({ error, file: this.#journal.path }, 'revocations in force could not be saved');
      return 'unsaved';
    }
  }

  async #load(journal: Journal): Promise<void> {
    this.#logDamage(await journal.open(this.#restore), journal);
    journal.keeps(
      () => this.#list.all(),
      () => this.#list.size,
    );
    await this.#review(journal);
  }

  readonly #restore = (revocation: Revocation): void => {
    if (revocation.expiresAt > this.#clock.wall() / 1000) this.#list.add(revocation);
  };

  #logDamage({ damaged, damagedCount, torn }: Loaded, { path: file, damagedPath }: Journal): void {
    if (torn) this.#log.warn({ file }, 'the last revocation was not saved whole and had not been confirmed');
    if (damagedCount === 0) return;
    const others = damagedCount > 1 ? ` and ${damagedCount - 1} more` : '';
    this.#log.error(
      { file, lines: damaged },
      `line ${damaged[0]} of ${file}${others} cannot be read: what it revoked is valid again; it is set aside in ${damagedPath}`,
    );
  }

  /** Updates the problem that an operator has not yet dealt with damaged lines. */
  async #review(journal: Journal): Promise<void> {
    this.#damage = (await journal.hasDamage())
      ? `${journal.damagedPath} holds lines that could not be read, so what they revoked is valid again: revoke it anew, then remove that file`
      : undefined;
  }

  #tick(): void {
    this.#sweeper.tick();
    if (this.#full && this.#list.hasRoom) this.#full = false;
    const journal = this.#journal;
    if (journal === undefined) return;
    journal.retry();
    if (this.#damage !== undefined) void this.#review(journal).catch(() => {}); // The problem stays reported.
  }
}
