/**
 * Text of a peer address of 4 or 16 bytes. Undefined for any other length: the engine gives no bytes when the peer has
 * reset the connection already. An IPv4 peer of a dual-stack socket (::ffff:a.b.c.d) gets its IPv4 text; IPv6 text has
 * the form of RFC 5952.
 */
export function addressText(address: ArrayBuffer): string | undefined {
  const bytes = new Uint8Array(address);
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) return undefined;
  const view = new DataView(address);
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(view.getUint16(at));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  }
  let start = -1;
  let length = 1; // RFC 5952 §4.2.2: a single zero group is not shortened.
  for (let at = 0; at < 8; at += 1) {
    let run = 0;
    while (at + run < 8 && groups[at + run] === 0) run += 1;
    if (run > length) {
      start = at;
      length = run;
    }
    at += run;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start === -1) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
