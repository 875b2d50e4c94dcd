import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

// A DNS server for one name (RFC 1035), as much as a resolver needs: A records. All other questions have no answer.

/** Seconds. */
export const TTL_S = 1;

const HEADER_BYTES = 12;
const TYPE_A = 1;
const CLASS_IN = 1;
/** A response of an authority: QR and AA. */
const RESPONSE = 0x8400;
/** The flag RD of a question comes back in its response. */
const RECURSION_DESIRED = 0x0100;
const NAME_ERROR = 3;
/** Points at the name of the question, which follows the header (RFC 1035 §4.1.4). */
const NAME_OF_QUESTION = 0xc000 | HEADER_BYTES;

/**
 * The response to a message of a resolver; undefined for one without exactly one question.
 * @param addresses IPv4, the records of `name`.
 */
export function respondTo(message: Buffer, name: string, addresses: readonly string[]): Buffer | undefined {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at]; length !== 0; length = message[at]) {
    if (length === undefined || length > 63) return undefined;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (message.length < end) return undefined;
  const isKnown = labels.join('.').toLowerCase() === name;
  const wantsA = message.readUInt16BE(at + 1) === TYPE_A && message.readUInt16BE(at + 3) === CLASS_IN;
  const records = isKnown && wantsA ? addresses : [];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(message.readUInt16BE(0), 0);
  const code = isKnown ? 0 : NAME_ERROR;
  header.writeUInt16BE(RESPONSE | (message.readUInt16BE(2) & RECURSION_DESIRED) | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, message.subarray(HEADER_BYTES, end), ...records.map(recordOf)]);
}

function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(NAME_OF_QUESTION, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(TTL_S, 6);
  record.writeUInt16BE(4, 10);
  for (const [index, part] of address.split('.').entries()) record[12 + index] = Number(part);
  return record;
}

export class NameServer {
  /** IPv4 addresses that the name has. */
  addresses: readonly string[];
  readonly #socket: Socket = createSocket('udp4');

  constructor(name: string, addresses: readonly string[]) {
    this.addresses = addresses;
    this.#socket.on('message', (message, { port, address }) => {
      const response = respondTo(message, name, this.addresses);
      if (response !== undefined) this.#socket.send(response, port, address);
    });
  }

  /** Rejects where this process may not use the port. */
  async listen(host: string, port: number): Promise<void> {
    this.#socket.bind({ address: host, port });
    await once(this.#socket, 'listening');
  }

  close(): void {
    this.#socket.close();
  }
}
