import type { Buffer } from 'node:buffer';
import { isIP, SocketAddress } from 'node:net';
import { hostPort } from '../../http/host-port.ts';
import { addressText } from '../remote-address.ts';
import { crc32cWithout } from './crc32c.ts';

/** Bytes of the longest line of version 1, CRLF included (PROXY protocol §2.1). */
const LINE_BYTES = 107;

/**
 * Bytes behind the fixed part of version 2. The addresses take at most 216; the rest is for TLVs, such as the names in a
 * certificate of the client. The format allows 65,535.
 */
const VARIABLE_BYTES = 4096;

/** Bytes of the fixed part of version 2: signature, version and command, family, length (PROXY protocol §2.2). */
const FIXED_BYTES = 16;
const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a] as const;
const LINE_START = 'PROXY ';

/** Bytes of the longest header. */
export const MAX_PROXY_HEADER = FIXED_BYTES + VARIABLE_BYTES;

/** The families and transports of version 2, with the bytes of an address without its port. */
const addressBytes: Readonly<Record<number, number>> = {
  0: 0, // AF_UNSPEC
  17: 4, // AF_INET, by STREAM and by DGRAM
  18: 4,
  33: 16, // AF_INET6
  34: 16,
  49: 108, // AF_UNIX
  50: 108,
};
const UNIX_BYTES = 108;

const LOCAL = 0x20;
const PROXY = 0x21;

const TLV_HEAD_BYTES = 3;
const TLV_CRC32C = 0x03;
const CRC_BYTES = 4;

/** The ends of a client's connection, as the proxy in front has seen them. */
export interface ProxiedEnds {
  /** Text of the client's IP address; `unknown` when the proxy does not know it, or the client has none. */
  readonly source: string;
  /** host:port that the client has reached; undefined when unknown. */
  readonly destination: string | undefined;
}

/** Result of reading the first bytes of a connection. */
export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed' }
  | {
      readonly kind: 'header';
      /** Bytes of the header. What follows belongs to the client. */
      readonly length: number;
      /** Undefined: the proxy speaks for itself, as in a health check, so the ends are those of the connection. */
      readonly ends: ProxiedEnds | undefined;
    };

const more: ProxyHeader = { kind: 'more' };
const malformed: ProxyHeader = { kind: 'malformed' };
const unknownEnds: ProxiedEnds = { source: 'unknown', destination: undefined };

/**
 * Reads the header of HAProxy's PROXY protocol, version 1 or 2, from the first bytes of a connection. Every byte is
 * checked as soon as it is there, so `more` means that the bytes may still become a header.
 * @param bytes all bytes of the connection up to now.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const [first] = bytes;
  if (first === undefined) return more;
  return first === SIGNATURE[0] ? readBinary(bytes) : readLine(bytes);
}

/** Version 1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, with CRLF behind it. */
function readLine(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, LINE_BYTES);
  const start = text.slice(0, LINE_START.length);
  if (!LINE_START.startsWith(start)) return malformed;
  const end = text.indexOf('\r');
  const line = end < 0 ? text : text.slice(0, end);
  // A line feed without its carriage return would end the line for other readers.
  if (/[^\x20-\x7e]/.test(line)) return malformed;
  if (end < 0 || end + 1 === text.length) return text.length < LINE_BYTES ? more : malformed;
  if (text[end + 1] !== '\n') return malformed;
  const ends = endsOfLine(line);
  return ends === undefined ? malformed : { kind: 'header', length: end + 2, ends };
}

function endsOfLine(line: string): ProxiedEnds | undefined {
  const [, family, ...parts] = line.split(' ');
  // Whatever follows UNKNOWN counts for nothing (PROXY protocol §2.1).
  if (family === 'UNKNOWN') return unknownEnds;
  if (parts.length !== 4 || (family !== 'TCP4' && family !== 'TCP6')) return undefined;
  const [source, destination, sourcePort, destinationPort] = parts.map((part, index) =>
    index < 2 ? canonical(part, family === 'TCP4' ? 4 : 6) : portOf(part),
  );
  if (typeof source !== 'string' || typeof destination !== 'string') return undefined;
  if (typeof sourcePort !== 'number' || typeof destinationPort !== 'number') return undefined;
  return { source, destination: hostPort(destination, destinationPort) };
}

/** An address in the form in which the system writes addresses; undefined for anything else, a zone too. */
function canonical(text: string, family: 4 | 6): string | undefined {
  if (isIP(text) !== family || text.includes('%')) return undefined;
  return family === 4
    ? text
    : new SocketAddress({ address: text, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '');
}

function portOf(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  return port <= 0xffff ? port : undefined;
}

function readBinary(bytes: Buffer): ProxyHeader {
  for (let at = 0; at < SIGNATURE.length && at < bytes.length; at += 1) {
    if (bytes[at] !== SIGNATURE[at]) return malformed;
  }
  const command = bytes[12];
  if (command !== undefined && command !== LOCAL && command !== PROXY) return malformed;
  const size = addressBytes[bytes[13] ?? 0];
  if (bytes.length > 13 && size === undefined && command !== LOCAL) return malformed;
  if (bytes.length < FIXED_BYTES) return more;
  const variable = bytes.readUInt16BE(14);
  if (variable > VARIABLE_BYTES) return malformed;
  const length = FIXED_BYTES + variable;
  // The receiver of LOCAL skips the addresses, of any family (PROXY protocol §2.2).
  if (command === LOCAL) return bytes.length < length ? more : { kind: 'header', length, ends: undefined };
  const addresses = addressesOf(size as number);
  if (variable < addresses) return malformed;
  if (bytes.length < length) return more;
  const header = bytes.subarray(0, length);
  if (!areSound(header, FIXED_BYTES + addresses)) return malformed;
  return { kind: 'header', length, ends: endsOf(header, size as number) };
}

/** Bytes of both addresses and, for IP, both ports. */
function addressesOf(size: number): number {
  return size === 0 || size === UNIX_BYTES ? 2 * size : 2 * size + 4;
}

function endsOf(header: Buffer, size: number): ProxiedEnds {
  // A client on a unix socket of the proxy is none of ours: `unix` may be a trusted name here.
  if (size === 0 || size === UNIX_BYTES) return unknownEnds;
  const source = addressAt(header, FIXED_BYTES, size);
  const destination = addressAt(header, FIXED_BYTES + size, size);
  const port = header.readUInt16BE(FIXED_BYTES + 2 * size + 2);
  return { source, destination: hostPort(destination, port) };
}

function addressAt(header: Buffer, from: number, size: number): string {
  return addressText(new Uint8Array(header.subarray(from, from + size)).buffer) as string;
}

/** Whether TLVs fill the header from `from` to its end, and a checksum among them is right (PROXY protocol §2.2.2). */
function areSound(header: Buffer, from: number): boolean {
  let isChecked = false;
  for (let at = from; at < header.length; ) {
    if (at + TLV_HEAD_BYTES > header.length) return false;
    const value = at + TLV_HEAD_BYTES;
    const size = header.readUInt16BE(at + 1);
    if (value + size > header.length) return false;
    if (header[at] === TLV_CRC32C) {
      if (isChecked || size !== CRC_BYTES || header.readUInt32BE(value) !== crc32cWithout(header, value)) {
        return false;
      }
      isChecked = true;
    }
    at = value + size;
  }
  return true;
}
