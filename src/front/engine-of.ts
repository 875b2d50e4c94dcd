import type { TrafficAddress } from '../config/config.ts';

/** The engine of an address, and why. */
export interface EngineChoice {
  readonly engine: 'uws' | 'node';
  /** The key of the address that decides, `auto`, or a sentence that says why uWebSockets.js does not run here. */
  readonly reason: string;
}

/** What only Node.js's own sockets can serve: the key of an address or a route, or the protocol. Undefined: both engines can. */
export function whyNode({ tls, proxyProtocol, protocols, upgrades }: TrafficAddress): string | undefined {
  if (tls !== undefined) return 'tls';
  if (proxyProtocol !== undefined) return 'proxyProtocol';
  if (protocols?.includes('h2c') === true) return 'h2c';
  return upgrades === true ? 'upgrade' : undefined;
}

/**
 * Chooses what serves an address. No other place does.
 * @param whyNoUws why uWebSockets.js does not run here; undefined when it does.
 */
export function engineOf(address: TrafficAddress, whyNoUws: string | undefined): EngineChoice {
  const needed = whyNode(address);
  if (needed !== undefined) return { engine: 'node', reason: needed };
  const { engine } = address;
  if (engine !== undefined) return { engine, reason: `engine: ${engine}` };
  return whyNoUws === undefined ? { engine: 'uws', reason: 'auto' } : { engine: 'node', reason: whyNoUws };
}

/** Whether an address that is listened on would need another engine with other terms. */
export function changesEngine(before: TrafficAddress, after: TrafficAddress): boolean {
  const wanted = (address: TrafficAddress): string | undefined =>
    whyNode(address) === undefined ? address.engine : 'node';
  return wanted(before) !== wanted(after);
}
