import type { Child, Children } from '../children.ts';

/** What a gateway needs to know to be started. */
export interface GatewaySetup {
  readonly children: Children;
  /** A folder for its files, empty and its own. */
  readonly directory: string;
  readonly upstreamPort: number;
  /** SPKI PEM file of the key all tokens are signed with. */
  readonly keyFile: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface RunningGateway {
  readonly child: Child;
  readonly port: number;
  /** Where its metrics are, if it has any. */
  readonly adminPort?: number;
  /** The configuration it runs with, for the report. */
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
