import type { IssuerConfig } from '../config/config.ts';

export interface TokenLivesOptions {
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  /** Most milliseconds that a token lives, by configuration. */
  readonly tokenLifeMs: number;
}

/** Knows how long a revocation must be kept: until the last token that it could hit has expired. */
export class TokenLives {
  #issuers: ReadonlyMap<string, IssuerConfig>;
  readonly #tokenLife: number;

  constructor(options: TokenLivesOptions) {
    this.#issuers = options.issuers;
    this.#tokenLife = options.tokenLifeMs / 1000;
  }

  setIssuers(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.#issuers = issuers;
  }

  /** Seconds that a token lives by configuration. */
  get tokenLife(): number {
    return this.#tokenLife;
  }

  knows(issuer: string): boolean {
    return this.#issuers.has(issuer);
  }

  /** Names of the issuers with this `iss`. */
  namesOf(iss: string): readonly string[] {
    return Array.from(this.#issuers.values())
      .filter(({ issuer }) => issuer === iss)
      .map(({ name }) => name);
  }

  /** Names of the issuers with the same `iss` as this one. They differ in the audience of their tokens. */
  alike(name: string): readonly string[] {
    const iss = this.#issuers.get(name)?.issuer;
    return iss === undefined ? [name] : this.namesOf(iss);
  }

  /**
   * Wall-clock second at which the last token of an issuer that was issued up to `before` ends.
   * @param issuer undefined: of all issuers.
   * @param atLeast seconds that tokens live at least.
   */
  end(issuer: string | undefined, before: number, atLeast = 0): number {
    let end = 0;
    for (const { name, expiry, maxAgeMs, clockToleranceMs } of this.#issuers.values()) {
      if (issuer !== undefined && issuer !== name) continue;
      // A token without exp ends only by its age. Without that its revocation must never end.
      const byExp = expiry === 'optional' ? Number.POSITIVE_INFINITY : Math.max(this.#tokenLife, atLeast);
      const life = Math.min(byExp, maxAgeMs / 1000);
      end = Math.max(end, Math.ceil(before + life + clockToleranceMs / 1000));
    }
    return end;
  }

  /** Most seconds by which an issuer's clock may differ from ours. */
  tolerance(issuer: string | undefined): number {
    let most = 0;
    for (const { name, clockToleranceMs } of this.#issuers.values()) {
      if (issuer === undefined || issuer === name) most = Math.max(most, clockToleranceMs / 1000);
    }
    return most;
  }
}
