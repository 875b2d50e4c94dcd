import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';

/** Whether one service can serve by both configurations: they differ at most in the TLS of addresses, which fronts have. */
export function servesAlike(before: Config, after: Config): boolean {
  return isDeepStrictEqual(servicePart(before), servicePart(after));
}

/** The service knows of an address with TLS, but not its certificates. */
function servicePart(config: Config): object {
  const listen = config.listen.map((address) => ({ ...address, tls: address.tls !== undefined }));
  return { ...config, listen, warnings: [] };
}
