import type { IssuerConfig, RevocationConfig } from '../config/config.ts';
import type { Log } from '../lib/log.ts';
import { MarkReader } from './mark-reader.ts';
import { RevocationList } from './revocation-list.ts';
import { TokenLives } from './token-lives.ts';

export interface InForceOptions {
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  readonly revocation: RevocationConfig;
  readonly log: Log;
}

/** The revocations in force, and the facts about issuers that decide which tokens they hit. */
export class InForce {
  readonly list: RevocationList;
  readonly lives: TokenLives;
  readonly #marks: MarkReader;
  readonly #fusionauth: string | undefined;

  constructor({ issuers, revocation, log }: InForceOptions) {
    const { entries, tokenLifeMs, fusionauth } = revocation;
    this.lives = new TokenLives({ issuers, tokenLifeMs });
    this.#fusionauth = fusionauth?.issuer;
    this.#marks = new MarkReader({
      fusionauth: this.#fusionauthNames(),
      tokenLife: this.lives.tokenLife,
      onLongLife: (issuer, seconds) =>
        log.warn(
          { issuer, seconds },
          'a token lives longer than revocation.tokenLife and may outlive its revocation',
        ),
    });
    this.list = new RevocationList({ limit: entries, marks: this.#marks });
  }

  /** Replaces the issuers. */
  setIssuers(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.lives.setIssuers(issuers);
    this.#marks.setFusionauth(this.#fusionauthNames());
  }

  #fusionauthNames(): ReadonlySet<string> {
    return new Set(this.#fusionauth === undefined ? [] : this.lives.alike(this.#fusionauth));
  }
}
