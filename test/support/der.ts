/** Tag, length and contents of one DER value (X.690 §8.1). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

export const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
export const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
/** @param text `YYYYMMDDHHMMSSZ`. */
export const time = (text: string): Buffer => der(0x18, Buffer.from(text, 'latin1'));
export const integer = (...bytes: number[]): Buffer => der(0x02, Buffer.from(bytes));
export const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);
export const octets = (...contents: readonly Uint8Array[]): Buffer => der(0x04, ...contents);

/** @param block DER. */
export function pemOf(label: string, block: Buffer): string {
  const lines = block.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
