import type { TokenMarks } from '../auth/revocations.ts';
import { markText } from './mark-text.ts';

type Claims = Readonly<Record<string, unknown>>;

export interface MarkReaderOptions {
  /** Names of the issuers whose tokens are FusionAuth's. */
  readonly fusionauth: ReadonlySet<string>;
  /** Seconds that a token may live, by which revocations are forgotten. */
  readonly tokenLife: number;
  /** Is told once for each issuer of a token that lives longer, so that it may outlive its revocation. */
  readonly onLongLife: (issuer: string, seconds: number) => void;
}

/** Reads from a token's claims what it can be revoked by. */
export class MarkReader {
  readonly #options: MarkReaderOptions;
  #fusionauth: ReadonlySet<string>;
  readonly #reported = new Set<string>();

  constructor(options: MarkReaderOptions) {
    this.#options = options;
    this.#fusionauth = options.fusionauth;
  }

  /** These are FusionAuth's from now on. */
  setFusionauth(fusionauth: ReadonlySet<string>): void {
    this.#fusionauth = fusionauth;
  }

  read(issuer: string, claims: Claims): TokenMarks {
    const iat = own(claims, 'iat');
    // Whole seconds: with a fraction, a token of the event's second could pass for one that came after it.
    const exp = own(claims, 'exp');
    // None is issued after it has expired: such a time, perhaps in milliseconds, would come after every event.
    const isTime = typeof iat === 'number' && !(typeof exp === 'number' && iat > exp);
    const issuedAt = isTime ? Math.floor(iat) : 0;
    this.#watch(issuer, issuedAt, exp);
    return {
      issuer,
      jti: markText(own(claims, 'jti')),
      sub: markText(own(claims, 'sub')),
      sid: markText(own(claims, 'sid')),
      issuedAt,
      application: markText(
        this.#fusionauth.has(issuer)
          ? (own(claims, 'applicationId') ?? soleText(own(claims, 'aud')))
          : (own(claims, 'azp') ?? own(claims, 'client_id')),
      ),
    };
  }

  #watch(issuer: string, issuedAt: number, exp: unknown): void {
    if (typeof exp !== 'number' || issuedAt === 0 || exp - issuedAt <= this.#options.tokenLife) return;
    // One entry for each configured issuer at most.
    if (this.#reported.has(issuer)) return;
    this.#reported.add(issuer);
    this.#options.onLongLife(issuer, exp - issuedAt);
  }
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** FusionAuth's `aud` is the application; of several audiences none is it with certainty. */
function soleText(aud: unknown): unknown {
  return Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
}
