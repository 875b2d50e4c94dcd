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

export interface Gateway {
  readonly name: string;
  readonly description: string;
  /** Whether a request without a token must be refused. */
  readonly checksTokens: boolean;
  /** Undefined when it can run here; otherwise the reason and the remedy. */
  unavailable(): string | undefined;
  start(setup: GatewaySetup): Promise<RunningGateway>;
}
