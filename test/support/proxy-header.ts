import { Buffer } from 'node:buffer';
import { crc32cWithout } from '../../src/front/node/crc32c.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A header of version 2. @param command the byte with version and command. @param family the byte behind it. */
export function binaryHeader(command: number, family: number, rest: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(rest.length);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), length, rest]);
}

/** The same with a TLV of its CRC-32C before `behind`. */
export function withChecksum(
  command: number,
  family: number,
  rest: Buffer,
  behind: Buffer = Buffer.alloc(0),
): Buffer {
  const header = binaryHeader(command, family, Buffer.concat([rest, tlv(0x03, '\0\0\0\0'), behind]));
  const at = header.length - behind.length - 4;
  header.writeUInt32BE(crc32cWithout(header, at), at);
  return header;
}

export function tlv(type: number, value: string): Buffer {
  const head = Buffer.from([type, 0, 0]);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, Buffer.from(value, 'latin1')]);
}

export function ipv4Addresses(
  source: readonly number[],
  destination: readonly number[],
  sourcePort: number,
  destinationPort: number,
): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(sourcePort);
  ports.writeUInt16BE(destinationPort, 2);
  return Buffer.concat([Buffer.from(source), Buffer.from(destination), ports]);
}
