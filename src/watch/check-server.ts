import { isIP } from 'node:net';
import type { Check } from './check.ts';
import { checkHttp } from './http-check.ts';
import { checkTcp } from './tcp-check.ts';

/** Checks a server as its `health` says: by a request where that names a path, otherwise by a connection. */
export const checkServer: Check = async (target, signal) => {
  const { address, health } = target;
  // The look-up of the name goes on elsewhere, within its own bounds.
  if ('host' in address && isIP(address.host) === 0) {
    return { ok: false, cause: 'name_not_found', detail: 'its name has no known address' };
  }
  return health.path === undefined ? checkTcp(target, signal) : checkHttp(target, signal);
};
