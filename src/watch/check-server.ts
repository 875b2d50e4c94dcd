import { isIP } from 'node:net';
import type { Check } from './check.ts';
import { checkH2 } from './h2-check.ts';
import { checkHttp } from './http-check.ts';
import { checkTcp } from './tcp-check.ts';

/** Checks a server as its `health` says: by a request where that names a path, otherwise by a connection. */
export const checkServer: Check = async (target, signal) => {
  const { address, health, protocol } = target;
  // The look-up of the name goes on elsewhere, within its own bounds.
  if ('host' in address && isIP(address.host) === 0) {
    return { ok: false, cause: 'name_not_found', detail: 'its name has no known address' };
  }
  if (health.path === undefined) return checkTcp(target, signal);
  return protocol === 'h2' ? checkH2(target, signal) : checkHttp(target, signal);
};
