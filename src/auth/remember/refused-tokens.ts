import type { Clock } from '../../lib/clock.ts';
import type { Issuer } from '../policy/issuer.ts';
import type { Policy } from '../policy/policy.ts';
import { signatureMark, signatureSlot } from '../read/signature-hash.ts';
import type { Rejection } from '../verdict.ts';

/**
 * Refusals kept, a power of two. With the bound below that is 16 MiB at the very most, and some 7 MiB with usual tokens.
 */
const SLOTS = 8192;
/** Characters of the longest token that is kept; a longer one has its signature checked each time. */
const MAX_LENGTH = 2048;

/** A token that was refused for its signature, or after a good one because it has expired. */
export interface Refused {
  readonly authorization: string;
  /** What was asked of it; other demands are judged anew. */
  readonly policy: Policy;
  readonly issuer: Issuer;
  /** Of the issuer's key set: under any other, what was wrong may be right. */
  readonly version: number;
  readonly rejection: Rejection;
  /** Wall-clock milliseconds from which it holds: a clock that is set back takes it away. */
  readonly since: number;
  /** And to which. */
  readonly until: number;
}

/**
 * Refusals that cost a signature check and come out the same each time: clients that go on with an expired token, or
 * one of another environment. One place for each value of `signatureSlot`, apart from the verified tokens, so that what
 * is sent here pushes out nothing but another refusal. A token is kept only when it comes back and no other one has come to
 * its place since: a flood of forged ones, each new, leaves 4 bytes of each.
 */
export class RefusedTokens {
  readonly #entries = new Array<Refused | undefined>(SLOTS).fill(undefined);
  /** Marks of the tokens that were refused last. */
  readonly #marks = new Uint32Array(SLOTS);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The refusal of exactly this Authorization value under these demands, if it still holds. */
  find(authorization: string, policy: Policy): Rejection | undefined {
    const entry = this.#entries[signatureSlot(authorization, SLOTS)];
    if (entry === undefined || entry.authorization !== authorization || entry.policy !== policy)
      return undefined;
    const { issuer, version, since, until, rejection } = entry;
    const now = this.#clock.wall();
    return issuer.version === version && now >= since && now < until ? rejection : undefined;
  }

  /** The authorization text must be a string of its own: a part of a longer one would make the bound a lie. */
  add(refused: Refused): void {
    const { authorization } = refused;
    if (authorization.length > MAX_LENGTH) return;
    const slot = signatureSlot(authorization, SLOTS);
    const mark = signatureMark(authorization);
    if (this.#marks[slot] === mark) this.#entries[slot] = refused;
    else this.#marks[slot] = mark;
  }
}
