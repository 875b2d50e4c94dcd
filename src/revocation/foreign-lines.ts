import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { Counter } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import { isMarkText } from './mark-text.ts';
import { MAX_AHEAD, type Marks, markNames, type Revocation } from './revocation.ts';
import { fromMember, signedText, toMember } from './revocation-line.ts';
import type { TokenLives } from './token-lives.ts';

/** Milliseconds between two log lines about refused lines, however many come. */
const REPORT_MS = 60_000;

export interface ForeignLinesOptions {
  readonly lives: TokenLives;
  readonly clock: Clock;
  readonly log: Log;
  /** The secret that signs lines; undefined: lines are not signed, and every well-formed line counts. */
  readonly secret: string | undefined;
}

/** Writes and reads the lines in which gateways share revocations. It checks every line, because others may write to Redis. */
export class ForeignLines {
  /** Lines that were refused. */
  readonly refused = new Counter();
  readonly #options: ForeignLinesOptions;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  constructor(options: ForeignLinesOptions) {
    this.#options = options;
  }

  toLine(revocation: Revocation): string {
    return toMember(revocation, this.#mac(revocation));
  }

  /**
   * Whether to publish a revocation to a Redis that lacks it. One that came only from an unsigned line is not published:
   * it may be invented, and would come back each time it is removed.
   */
  mayPublish({ from }: Revocation): boolean {
    return from !== 'redis';
  }

  /** The revocations in these lines that apply here; `undefined` stands for a line that is too long. */
  read(lines: readonly (string | undefined)[]): readonly Revocation[] {
    const now = this.#options.clock.wall() / 1000;
    const revocations: Revocation[] = [];
    let refused = 0;
    for (const line of lines) {
      const read = line === undefined ? 'refused' : this.#readOne(line, now);
      if (read === 'refused') refused += 1;
      else if (read !== 'of no use') revocations.push(read);
    }
    if (refused > 0) this.#report(refused);
    return revocations;
  }

  #readOne(line: string, now: number): Revocation | 'refused' | 'of no use' {
    const { lives, secret } = this.#options;
    const member = fromMember(line);
    if (member === undefined || !isSound(member.revocation, now)) return 'refused';
    const { revocation, mac } = member;
    const { issuer, before, expiresAt } = revocation;
    const isSigned = secret !== undefined;
    if (isSigned && !isEqual(this.#mac(revocation), mac)) return 'refused';
    // A gateway with other issuers may have written it. After a reload that adds the issuer, the line is read again.
    if (issuer !== undefined && !lives.knows(issuer)) return 'of no use';
    // It lasts as long as a revocation made here: no token that it hits lives longer.
    const end = lives.end(issuer, before === Number.POSITIVE_INFINITY ? now : Math.max(now, before));
    const until = isSigned ? expiresAt : Math.min(expiresAt, end);
    if (!(until > now)) return 'of no use';
    return { ...revocation, expiresAt: until, from: isSigned ? 'redis-signed' : 'redis' };
  }

  #mac(revocation: Revocation): string | undefined {
    const { secret } = this.#options;
    if (secret === undefined) return undefined;
    return createHmac('sha256', secret).update(signedText(revocation)).digest('base64url');
  }

  #report(refused: number): void {
    const { clock, log, secret } = this.#options;
    this.refused.value += refused;
    this.#unreported += refused;
    const now = clock.monotonic();
    if (now < this.#reportedAt + REPORT_MS) return;
    this.#reportedAt = now;
    const why =
      secret === undefined
        ? 'cannot be read'
        : 'cannot be read or are not signed with revocation.redisSecret';
    log.error({ refused: this.#unreported }, `Redis holds revocations that ${why}; they are not in force`);
    this.#unreported = 0;
  }
}

/** Whether this gateway could have made it: its marks have our form, and its time revokes no future tokens. */
function isSound(revocation: Revocation, now: number): boolean {
  const { issuer, jti, before } = revocation;
  const marks: Marks = revocation;
  const isMade = markNames.every(
    (name) => name === 'issuer' || marks[name] === undefined || isMarkText(marks[name]),
  );
  if (!isMade || issuer === '') return false;
  return before === Number.POSITIVE_INFINITY ? jti !== undefined : before <= now + MAX_AHEAD;
}

function isEqual(expected: string | undefined, given: string | undefined): boolean {
  if (expected === undefined || given?.length !== expected.length) return false;
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
