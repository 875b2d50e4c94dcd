import type { Permit } from '../auth/verdict.ts';
import type { HashSource } from '../config/upstream-config.ts';
import { clientAddress, isDistinct } from '../forwarding/forwarded.ts';
import type { ClientStream } from '../front/front.ts';
import type { Networks } from '../http/networks.ts';
import { EMPTY_HASH, hashText } from '../lib/text-hash.ts';
import { NO_KEY } from '../upstream/balance/balancer.ts';

/**
 * The key by which requests stay with one server; `NO_KEY` when the request has nothing of the kind.
 * @param trusted proxies whose report of the client's address is believed.
 */
export function requestKey(
  source: HashSource,
  permit: Permit,
  client: ClientStream,
  trusted: Networks | undefined,
): number {
  if (source.kind === 'claim') return permit.key ?? NO_KEY;
  if (source.kind === 'header') return headerKey(source.name, client.head);
  const peer = client.peer();
  if (peer === undefined) return NO_KEY;
  const address = clientAddress(client.head, peer, trusted);
  return isDistinct(address) ? hashText(address, EMPTY_HASH) >>> 1 : NO_KEY;
}

/** Several fields of one name are one list, so their order counts (RFC 9110 §5.3). Empty values say nothing. */
function headerKey(name: string, { names, values }: ClientStream['head']): number {
  let hash = EMPTY_HASH;
  let found = false;
  for (let at = 0; at < names.length; at += 1) {
    const value = values[at] as string;
    if (names[at] !== name || value === '') continue;
    hash = hashText(value, hash);
    found = true;
  }
  return found ? hash >>> 1 : NO_KEY;
}
