import type { Clock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import type { Journal } from './journal.ts';
import type { Loaded } from './journal-lines.ts';
import type { Revocation, Source } from './revocation.ts';
import type { RevocationList } from './revocation-list.ts';
import { Sweeper } from './sweeper.ts';

/** Milliseconds between two looks for revocations that have ended, and two attempts to save what could not be. */
const TICK_MS = 1_000;

/**
 * What became of revocations: `done`, in force and saved; `full`, refused because there is no room; `unsaved`, in force,
 * but lost if the process ends before the disk takes them.
 */
export type Acceptance = 'done' | 'full' | 'unsaved';

export interface RevocationStoreOptions {
  readonly list: RevocationList;
  /** Undefined: revocations end with the process. */
  readonly journal: Journal | undefined;
  /** Tells other gateways of what was told here. */
  readonly publish?: ((revocations: readonly Revocation[]) => void) | undefined;
  /** Tells those who judge tokens by lists of their own; resolves when it is in force there, and never rejects. */
  readonly distribute?: ((revocations: readonly Revocation[]) => Promise<void>) | undefined;
  /** Has the same drop what only Redis told; as `distribute`. */
  readonly distributeDrop?: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Puts revocations in force and keeps them. */
export class RevocationStore {
  /** Revocations received, by source, those known already included. */
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
  /** Whether one was refused because there was no room, and there still is none. */
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

  /** Reads what was kept. Rejects with the file system's error when the file cannot be read. */
  async open(): Promise<void> {
    if (this.#journal !== undefined) await this.#load(this.#journal);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Puts what was kept in force without opening the file for more, for one who only asks what would be refused. */
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

  /** How many of them only Redis told. */
  get foreign(): number {
    return this.#list.foreign;
  }

  /** Wall-clock seconds of the first and the last event in force; undefined where there is none with a time. */
  span(): { readonly oldest: number | undefined; readonly newest: number | undefined } {
    return this.#list.span();
  }

  /** What an operator has to see to, one sentence each. */
  troubles(): readonly string[] {
    const troubles: string[] = [];
    if (this.#damage !== undefined) troubles.push(this.#damage);
    if (this.#full) troubles.push('revocations are refused because revocation.entries are in force');
    const error = this.#journal?.lastError;
    if (error !== undefined) troubles.push(`revocations in force could not be saved (${error})`);
    return troubles;
  }

  /** In force here when this returns, and everywhere when it resolves; all of them or none. */
  async accept(revocations: readonly Revocation[], source: Exclude<Source, 'redis'>): Promise<Acceptance> {
    const now = this.#clock.wall() / 1000;
    // What has ended cannot hit anything that lives.
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
    // All that was told, since what this repeats may not be in force everywhere yet.
    const distributed = this.#distribute?.(living);
    const saved = await this.#save(changed);
    await distributed;
    return saved;
  }

  /**
   * What other gateways told, in force when this returns as far as there is room: it is in force there, so each is
   * one hole less. Whether there was room for all.
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
   * Takes back what only Redis told; how many that were. It is not in force any more when this returns, and nowhere
   * when it resolves. `unsaved`: a restart would bring it back.
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
      // Also when nothing has changed: what this repeats may not have been saved yet.
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

  /** Whether somebody still has to look at lines that could not be read. */
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
    if (this.#damage !== undefined) void this.#review(journal).catch(() => {}); // It stays as it is told.
  }
}
