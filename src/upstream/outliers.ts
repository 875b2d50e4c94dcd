import type { OutlierConfig } from '../config/upstream-config.ts';
import type { Endpoint } from './endpoint.ts';
import type { ServerState } from './server-state.ts';

/**
 * Decides which servers of one upstream are ejected: those whose attempts failed in a row, as far as that leaves enough
 * others.
 */
export class Outliers {
  readonly #rules: OutlierConfig;

  constructor(rules: OutlierConfig) {
    this.#rules = rules;
  }

  /** Whether the failures in a row of a server are reason to eject it. */
  isSuspect({ ejected, failures }: ServerState): boolean {
    return ejected === undefined && failures >= this.#rules.failures;
  }

  /** Ejects a server, unless as many are ejected as may be. */
  judge(suspect: Endpoint, all: Iterable<Endpoint>): void {
    const { state } = suspect.pool;
    if (!this.isSuspect(state) || !suspect.allowed) return;
    const group = groupOf(all, suspect.server.backup);
    if (ejectedOf(group).length < this.#most(group)) state.eject(this.#rules.ejectionMs);
  }

  /** Ends ejections, the shortest first, when others have left and more than may be are ejected. */
  bound(all: Iterable<Endpoint>): void {
    for (const backup of [false, true]) {
      const group = groupOf(all, backup);
      const ejected = ejectedOf(group);
      const surplus = Math.max(0, ejected.length - this.#most(group));
      const soonest = ejected.sort((a, b) => (a.ejected?.until ?? 0) - (b.ejected?.until ?? 0));
      for (const state of soonest.slice(0, surplus)) state.readmit();
    }
  }

  /** Rounded down, so that less than all of them leaves one. */
  #most({ length }: readonly Endpoint[]): number {
    return Math.floor(this.#rules.most * length);
  }
}

/** The servers that could take requests if none were ejected. Backups are apart: they stand in for the others. */
function groupOf(all: Iterable<Endpoint>, backup: boolean): readonly Endpoint[] {
  return [...all].filter((one) => one.allowed && one.server.backup === backup);
}

function ejectedOf(group: readonly Endpoint[]): ServerState[] {
  return group.map(({ pool }) => pool.state).filter(({ ejected }) => ejected !== undefined);
}
