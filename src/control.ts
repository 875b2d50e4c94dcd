import type { Authorizer } from './auth/authorizer.ts';
import type { Config, IssuerConfig } from './config/config.ts';
import { systemFetch } from './keysets/fetch-document.ts';
import { KeySets, type NextKeySets } from './keysets/key-sets.ts';
import { KeySetStore } from './keysets/store.ts';
import { systemTimers } from './keysets/timers.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import { Desk } from './revocation/desk.ts';

export interface ControlOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The one that judges tokens now; asked for only when something is learned. */
  readonly authorizer: () => Authorizer;
}

/** What is learned from outside while requests run, and outlives a change of the configuration: keys, revocations. */
export class Control {
  readonly keySets: KeySets;
  /** Undefined: nothing can be revoked. */
  readonly revocation: Desk | undefined;

  constructor(config: Config, options: ControlOptions) {
    const { clock, log, authorizer } = options;
    this.keySets = new KeySets(config.issuers, {
      clock,
      timers: systemTimers,
      random: Math.random,
      fetch: systemFetch,
      log,
      store: config.state === undefined ? undefined : new KeySetStore(config.state),
      setKeys: (issuer, keys) => authorizer().setKeys(issuer, keys),
    });
    const { revocation } = config;
    if (revocation === undefined) return;
    const webhooks = revocation.fusionauth;
    this.revocation = new Desk({
      config,
      revocation,
      clock,
      log,
      verify: (token) => webhooks && authorizer().signedClaims(token, webhooks.issuer, webhooks.key),
      onKeysChanged: (issuers, proven) => {
        if (proven) for (const issuer of issuers) this.keySets.renew(issuer);
        else if (webhooks !== undefined) void this.keySets.refetch(webhooks.issuer);
      },
    });
  }

  /** Other issuers are in force from now on. */
  follow(issuers: ReadonlyMap<string, IssuerConfig>, next: NextKeySets): void {
    this.keySets.follow(next);
    this.revocation?.follow(issuers);
  }
}
