import type { Subprocess, Subprocesses } from '../subprocesses.ts';

/** The facts for a gateway's start. */
export interface GatewaySetup {
  readonly subprocesses: Subprocesses;
  /** An empty folder for its files only. */
  readonly directory: string;
  readonly upstreamPort: number;
  /** SPKI PEM file of the key that signs all tokens. */
  readonly keyFile: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface RunningGateway {
  readonly subprocess: Subprocess;
  readonly port: number;
  /** The address of its metrics, if it has any. */
  readonly adminPort?: number;
  /** Its configuration, for the report. */
  readonly configuration: string;
}

/** What clients speak with a gateway: HTTP/1.1 on plain TCP or on TLS, or HTTP/2 by prior knowledge. */
export type Speech = 'http/1.1' | 'https' | 'h2c';

export interface Gateway {
  readonly name: string;
  readonly description: string;
  /** HTTP/1.1 by default. */
  readonly speech?: Speech;
  /** Whether a request without a token must be refused. */
  readonly checksTokens: boolean;
  /** Undefined when it can run here; otherwise the reason and the remedy. */
  unavailable(): string | undefined;
  start(setup: GatewaySetup): Promise<RunningGateway>;
}
