import type { Config } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import type { Log } from '../lib/log.ts';
import { isVulnerable, nodeVersion, soundVersions, vulnerableText } from '../lib/node-version.ts';
import { StartError } from '../lib/start-error.ts';

/**
 * Refuses addresses with TLS where Node.js has known holes in it, or warns of them.
 * @param accepted the operator takes the risk. @param version of Node.js.
 * @throws StartError with the versions that would do.
 */
export function assertNodeVersion(
  config: Config,
  accepted: boolean,
  log: Log,
  version: string = nodeVersion,
): void {
  if (!isVulnerable(version)) return;
  const exposed = config.listen.find(({ tls }) => tls !== undefined);
  if (exposed === undefined) return;
  const address = addressText(exposed);
  if (accepted) {
    log.warn({ node: version, address }, `TLS by this Node.js has known holes: ${soundVersions} has none`);
    return;
  }
  throw new StartError(vulnerableText(address, version));
}
