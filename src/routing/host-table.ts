import { withoutPort } from '../http/host-port.ts';

/** The start of a wildcard: `*.example.com` covers all names below example.com, but not example.com. */
const WILDCARD = '*.';

/**
 * Values by host: names, IP addresses, wildcards, and one for any host. The cost of a search depends on the labels of
 * the longest wildcard, not on the number of hosts.
 */
export class HostTable<T> {
  readonly #exact = new Map<string, T>();
  /** By the part of a wildcard after `*`, with its dot. */
  readonly #below = new Map<string, T>();
  readonly #any: readonly T[];
  /** Most labels in any wildcard. */
  readonly #labels: number;
  /** The result of the last search; most requests have the same host. */
  #last: { readonly host: string; readonly values: readonly T[] | undefined } | undefined;

  /** @param entries by `Host` names without port, in any case; undefined for any host. */
  constructor(entries: Iterable<readonly [string | undefined, T]>) {
    const any: T[] = [];
    let labels = 0;
    for (const [host, value] of entries) {
      const name = host?.toLowerCase();
      if (name === undefined) any.push(value);
      else if (name.startsWith(WILDCARD)) {
        const suffix = name.slice(1);
        this.#below.set(suffix, value);
        labels = Math.max(labels, suffix.split('.').length - 1);
      } else this.#exact.set(name, value);
    }
    this.#any = any;
    this.#labels = labels;
  }

  /** Whether any value depends on the host. */
  get named(): boolean {
    return this.#exact.size > 0 || this.#below.size > 0;
  }

  /**
   * All values for a host, the most specific first: its own, those of wildcards from the longest on, the one for any
   * host. Undefined when servers would not agree on the host.
   * @param host the Host field as sent; its port does not count.
   */
  find(host: string): readonly T[] | undefined {
    if (!this.named) return this.#any;
    if (this.#last?.host !== host) this.#last = { host, values: this.#collect(host) };
    return this.#last.values;
  }

  #collect(host: string): readonly T[] | undefined {
    const name = hostName(host);
    if (name === undefined) return undefined;
    const wildcards: T[] = [];
    let dot = name.length;
    for (let label = 0; label < this.#labels; label += 1) {
      dot = name.lastIndexOf('.', dot - 1);
      if (dot < 0) break;
      const value = this.#below.get(name.slice(dot));
      if (value !== undefined) wildcards.push(value);
    }
    const own = this.#exact.get(name);
    return [...(own === undefined ? [] : [own]), ...wildcards.reverse(), ...this.#any];
  }
}

/** The host without port, in the spelling of the configuration. Undefined when a label is empty. */
function hostName(host: string): string | undefined {
  const name = withoutPort(host).toLowerCase();
  // A trailing dot names the same host (RFC 3986 §3.2.2).
  const relative = name.endsWith('.') ? name.slice(0, -1) : name;
  // Some servers drop more dots, and then see the host of another route.
  if (/^\.|\.\.|\.$|^$/.test(relative)) return undefined;
  // Addresses have many spellings: [0::1], 127.1, 0x7f000001.
  if (!/^\[|(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(relative)) return relative;
  const url = `http://${relative}/`;
  return URL.canParse(url) ? new URL(url).hostname : relative;
}
