import { Resolver as DnsResolver, lookup } from 'node:dns/promises';

/** Milliseconds for the records of a name, which only say how soon to look it up again. */
const RECORDS_MS = 2_000;

/** Looks names up; tests put another one in its place. */
export interface Resolver {
  /** IPv4 and IPv6 addresses in any order. Rejects with an error of the system. */
  addresses(host: string): Promise<readonly string[]>;
  /** Seconds for which the name has exactly these addresses, by the DNS; undefined where the DNS says something else. */
  timeToLive(host: string, addresses: readonly string[]): Promise<number | undefined>;
}

/**
 * Addresses are those of getaddrinfo(3), as for every other program: it knows the hosts file and search domains. Only the
 * records of the DNS have a TTL.
 */
export class SystemResolver implements Resolver {
  readonly #nameServers: readonly string[] | undefined;

  /** @param nameServers `address:port` of those to ask for a TTL; undefined: those of resolv.conf(5). */
  constructor(nameServers?: readonly string[]) {
    this.#nameServers = nameServers;
  }

  async addresses(host: string): Promise<readonly string[]> {
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address);
  }

  async timeToLive(host: string, addresses: readonly string[]): Promise<number | undefined> {
    const dns = new DnsResolver({ timeout: RECORDS_MS, tries: 1 });
    if (this.#nameServers !== undefined) dns.setServers(this.#nameServers);
    const answers = await Promise.allSettled([
      dns.resolve4(host, { ttl: true }),
      dns.resolve6(host, { ttl: true }),
    ]);
    // A name may have addresses of one family only; the other answer is an error then.
    const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const found = new Set(records.map(({ address }) => address));
    const isSame = found.size === new Set(addresses).size && addresses.every((address) => found.has(address));
    return isSame ? Math.min(...records.map(({ ttl }) => ttl)) : undefined;
  }
}
