import type { Config } from '../config/config.ts';
import { Gateway } from '../gateway/gateway.ts';
import type { Log } from '../lib/log.ts';
import { Mutex } from '../lib/mutex.ts';
import { processEnvironment } from './process-environment.ts';
import { Workers } from './workers.ts';

export interface SupervisorOptions {
  readonly log: Log;
  /** Absolute name of the configuration file. */
  readonly file: string;
  /** The command that this process was started with, which starts workers too. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Another gateway may serve the same addresses. */
  readonly sharePort: boolean;
  /** See `GatewayOptions.acceptVulnerableNode`. */
  readonly acceptVulnerableNode: boolean;
  /** Whether a watchdog ends this process when it is not well; see `isWell`. */
  readonly watched: boolean;
  /** The workers cannot be kept alive; the caller can only close the gateway. */
  readonly onGiveUp: (why: string) => void;
}

/**
 * The process that owns everything but the traffic: configuration, key sets, revocations, the admin address, and the
 * workers, which serve as it tells them.
 */
export class Supervisor {
  readonly gateway: Gateway<Workers>;
  readonly #rolls = new Mutex();

  constructor(config: Config, options: SupervisorOptions) {
    const { file, env, log, acceptVulnerableNode, ...rest } = options;
    this.gateway = new Gateway(config, {
      log,
      file,
      acceptVulnerableNode,
      servers: (parts) => new Workers(config, { ...rest, ...parts, log, env: processEnvironment(env) }),
    });
  }

  /** Whether any worker responds. */
  get isWell(): boolean {
    return this.gateway.servers.isWell;
  }

  /** Replaces every worker, without losing a request. @throws StartError */
  roll(): Promise<void> {
    const { gateway } = this;
    const { servers } = gateway;
    return this.#rolls.run(async () => {
      // Workers that the last roll replaced end first, so that there are never more than twice as many as wanted. That
      // may take all of their grace, so reloads do not wait for it.
      await servers.drained();
      await gateway.alone(() => servers.roll());
    });
  }

  /** Ends every worker at once. */
  kill(): void {
    this.gateway.servers.kill();
  }
}
