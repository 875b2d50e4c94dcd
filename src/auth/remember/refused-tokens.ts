import type { Clock } from '../../lib/clock.ts';
import type { Issuer } from '../policy/issuer.ts';
import type { Policy } from '../policy/policy.ts';
import { signatureMark, signatureSlot } from '../read/signature-hash.ts';
import type { Rejection } from '../verdict.ts';

/** Refusals that are kept, a power of two: 16 MiB at most with the bound below, and some 7 MiB with usual tokens. */
const SLOTS = 8192;
/** Characters of a token that is kept. The signature of a longer one is verified each time. */
const MAX_LENGTH = 2048;

/** A token that was refused for its signature, or because it has expired. */
export interface Refused {
  readonly authorization: string;
  /** The policy under which it was refused. Under another one it is examined again. */
  readonly policy: Policy;
  readonly issuer: Issuer;
  /** Of the issuer's key set. Another key set may verify the token. */
  readonly version: number;
  readonly rejection: Rejection;
  /** Wall-clock milliseconds from which the refusal holds. A clock that is set back ends it. */
  readonly since: number;
  /** Wall-clock milliseconds until which it holds. */
  readonly until: number;
}

/**
 * Refusals that cost a signature check and would be the same each time: of clients that keep using an expired token, or
 * with one of another environment. There is one place for each value of `signatureSlot`, so a refused token displaces
 * another refusal and no verified token. A token is kept only when it is refused again before another one takes its
 * place: of a flood of forged tokens, each new, 4 bytes of each remain.
 */
export class RefusedTokens {
  readonly #entries = new Array<Refused | undefined>(SLOTS).fill(undefined);
  /** The mark of the token that was refused last, for each place. */
  readonly #marks = new Uint32Array(SLOTS);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The refusal of exactly this Authorization value under this policy; undefined when there is none that holds now. */
  find(authorization: string, policy: Policy): Rejection | undefined {
    const entry = this.#entries[signatureSlot(authorization, SLOTS)];
    if (entry === undefined || entry.authorization !== authorization || entry.policy !== policy)
      return undefined;
    const { issuer, version, since, until, rejection } = entry;
    const now = this.#clock.wall();
    return issuer.version === version && now >= since && now < until ? rejection : undefined;
  }

  /** The `authorization` must not be a slice of a longer string, which it would keep alive beyond the bound. */
  add(refused: Refused): void {
    const { authorization } = refused;
    if (authorization.length > MAX_LENGTH) return;
    const slot = signatureSlot(authorization, SLOTS);
    const mark = signatureMark(authorization);
    if (this.#marks[slot] === mark) this.#entries[slot] = refused;
    else this.#marks[slot] = mark;
  }
}
