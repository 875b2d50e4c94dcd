/** The start of an IPv4 address in its IPv6 form (RFC 4291 §2.5.5.2). */
const MAPPED = '::ffff:';
/** Groups of the part of an IPv6 address that names a network: 64 bits (RFC 4291 §2.5.1). */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * The part of an address that a client cannot choose: all of an IPv4 address; of an IPv6 address the first 64 bits, since
 * one client has all addresses of such a network. Each spelling of an address gives the same.
 * @param address a well-formed address; other texts come back as they are.
 */
export function clientPrefix(address: string): string {
  if (!address.includes(':')) return address;
  const lower = address.toLowerCase();
  if (lower.startsWith(MAPPED) && lower.includes('.')) return lower.slice(MAPPED.length);
  const [head = '', tail] = lower.split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - left.length - right.length);
  const groups = [...left, ...new Array<number>(zeros).fill(0), ...right];
  return groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toString(16))
    .join(':');
}

/** An IPv4 address at the end stands for two groups, which are never among the first four. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => (part.includes('.') ? [0, 0] : [Number.parseInt(part, 16)]));
}
