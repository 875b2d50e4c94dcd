import type { ServerAddress } from '../config/upstream-config.ts';

/** What the control plane knows of one address of a configured server: plain data. */
export interface ServerFact {
  /** The configured server, by the text of its address. */
  readonly server: string;
  /** One of its addresses: a host name stands for itself until it is looked up. */
  readonly address: ServerAddress;
  /** As the operator wants it: `drain` and `down` take it out of the choice, and it finishes what it has under way; `down` also ends the probes. */
  readonly mode: 'ready' | 'drain' | 'down';
  /** As probes found it; true where none are configured. */
  readonly healthy: boolean;
}
