import type { TokenMarks } from '../auth/revocations.ts';
import { markText } from './mark-text.ts';

type Claims = Readonly<Record<string, unknown>>;

export interface MarkReaderOptions {
  /** Names of the issuers whose tokens are FusionAuth's. */
  readonly fusionauth: ReadonlySet<string>;
  /** Seconds that a token may live, after which its revocation is dropped. */
  readonly tokenLife: number;
  /** Called once for each issuer of a token that lives longer and may outlive its revocation. */
  readonly onLongLife: (issuer: string, seconds: number) => void;
}

/** Reads the marks of a token, by which it can be revoked, from its claims. */
export class MarkReader {
  readonly #options: MarkReaderOptions;
  #fusionauth: ReadonlySet<string>;
  readonly #reported = new Set<string>();

  constructor(options: MarkReaderOptions) {
    this.#options = options;
    this.#fusionauth = options.fusionauth;
  }

  /** Replaces the names of FusionAuth's issuers. */
  setFusionauth(fusionauth: ReadonlySet<string>): void {
    this.#fusionauth = fusionauth;
  }

  read(issuer: string, claims: Claims): TokenMarks {
    const iat = own(claims, 'iat');
    // Whole seconds: with a fraction, a token of the event's second could pass for a later one.
    const exp = own(claims, 'exp');
    // No token is issued after it has expired. Such a time, perhaps in milliseconds, would be later than every event.
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
    // The set has at most one entry for each configured issuer.
    if (this.#reported.has(issuer)) return;
    this.#reported.add(issuer);
    this.#options.onLongLife(issuer, exp - issuedAt);
  }
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** FusionAuth's `aud` is the application; with several audiences it is unclear which one. */
function soleText(aud: unknown): unknown {
  return Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
}
