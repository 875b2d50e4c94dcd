import { type Network, parseNetwork } from '../../http/networks.ts';
import type { Findings } from './findings.ts';

/** Networks to search for each hop of a request; content delivery networks publish some hundreds. */
const MAX_NETWORKS = 1000;

/** The peers whose X-Forwarded-* fields are trusted; undefined for an empty list. */
export function resolveTrustedProxies(
  texts: readonly string[],
  findings: Findings,
): readonly Network[] | undefined {
  const networks: Network[] = [];
  if (texts.length > MAX_NETWORKS) {
    findings.fault(
      ['trustedProxies'],
      `has ${texts.length} entries; must be at most ${MAX_NETWORKS}, so larger networks`,
    );
  }
  texts.forEach((text, index) => {
    const path = ['trustedProxies', index];
    const network = parseNetwork(text);
    if ('right' in network) {
      findings.fault(path, `does not fit; must be ${network.right}`);
      return;
    }
    if (network.family !== 'unix' && network.prefix === 0) {
      findings.warn(path, 'believes X-Forwarded-* of every client');
    }
    networks.push(network);
  });
  return networks.length === 0 ? undefined : networks;
}
