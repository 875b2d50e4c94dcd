import { BlockList, isIP } from 'node:net';

type Family = 'ipv4' | 'ipv6';

/** The address of every peer that connects over a unix socket. No text of a client is taken for it. */
export const UNIX_PEER = 'unix';

/** A range of IP addresses. */
interface IpNetwork {
  /** Its first address. */
  readonly address: string;
  readonly family: Family;
  /** Leading bits that all its addresses share. */
  readonly prefix: number;
}

/** All peers that connect over a unix socket. */
interface UnixPeers {
  readonly family: 'unix';
}

export type Network = IpNetwork | UnixPeers;

/**
 * Reads an address, a range in CIDR notation (RFC 4632, RFC 4291 §2.3) or `unix`. For any other text the result says
 * what would be right, for a message. It also refuses a range that does not begin at its first address, and IPv4
 * written as IPv6, because both may mean another range than their author thinks.
 */
export function parseNetwork(text: string): Network | { readonly right: string } {
  if (text === UNIX_PEER) return { family: 'unix' };
  const [, address = '', digits] = /^([0-9A-Fa-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return { right: 'an address, a network such as 10.0.0.0/8, or unix' };
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  if (prefix > bits) return { right: `a network with at most /${bits}` };
  const family: Family = version === 4 ? 'ipv4' : 'ipv6';
  if (family === 'ipv6' && inRange(address, '::ffff:0:0', 96)) {
    return { right: 'an IPv4 network written as one, such as 10.0.0.0/8' };
  }
  if (!beginsAt(address, version, bits - prefix)) {
    return { right: 'the first address of the network, such as 10.0.0.0/8, or a single address without /' };
  }
  return { address, family, prefix };
}

function inRange(address: string, first: string, prefix: number): boolean {
  const list = new BlockList();
  list.addSubnet(first, prefix, 'ipv6');
  return list.check(address, 'ipv6');
}

/** Whether the last `hostBits` bits of an address are 0. */
function beginsAt(address: string, version: number, hostBits: number): boolean {
  let value = 0n;
  for (const group of version === 4 ? address.split('.') : groupsOf(address)) {
    value = version === 4 ? value * 256n + BigInt(group) : value * 65_536n + BigInt(`0x${group}`);
  }
  return (value & ((1n << BigInt(hostBits)) - 1n)) === 0n;
}

/** The eight groups of an IPv6 address, in hexadecimal. */
function groupsOf(address: string): string[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left;
  const right = tail === '' ? [] : tail.split(':');
  return [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
}

/** A set of peers by address. An IPv6 network contains no IPv4 address; `::/0` contains none either. */
export class Networks {
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();
  readonly #unix: boolean;

  constructor(networks: Iterable<Network>) {
    let unix = false;
    for (const network of networks) {
      if (network.family === 'unix') {
        unix = true;
        continue;
      }
      const { address, family, prefix } = network;
      (family === 'ipv4' ? this.#ipv4 : this.#ipv6).addSubnet(address, prefix, family);
    }
    this.#unix = unix;
  }

  /**
   * Whether the set contains a peer. Text that is no address is never contained, except `unix` where the set names it.
   * An IPv4 address counts in its IPv6 form (`::ffff:10.0.0.1`) too.
   */
  has(address: string): boolean {
    if (address === UNIX_PEER) return this.#unix;
    const version = isIP(address);
    if (version === 4) return this.#ipv4.check(address, 'ipv4');
    return version === 6 && (this.#ipv4.check(address, 'ipv6') || this.#ipv6.check(address, 'ipv6'));
  }
}
