import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Types of records (RFC 1035 §3.2.2, RFC 3596 §2.1). */
const A = 1;
const AAAA = 28;

export interface DnsRecord {
  readonly address: string;
  readonly ttl: number;
}

/** A name server on a loopback port, which knows the records that the test gives it. */
export class DnsServer {
  records: Record<string, readonly DnsRecord[]> = {};
  readonly #socket: Socket = createSocket('udp4');

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    const socket = server.#socket;
    socket.on('message', (query, peer) => socket.send(server.#answer(query), peer.port, peer.address));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const known = this.records[labels.join('.').toLowerCase()];
    const isWanted = ({ address }: DnsRecord): boolean => (address.includes(':') ? AAAA : A) === type;
    const answers = (known ?? []).filter(isWanted).map((one) => recordOf(type, one));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response to a recursive query (RFC 1035 §4.1.1), with NXDOMAIN for an unknown name.
    head.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    return Buffer.concat([head, question, ...answers]);
  }
}

function recordOf(type: number, { address, ttl }: DnsRecord): Buffer {
  const data = type === A ? Buffer.from(address.split('.').map(Number)) : ipv6(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0); // The name of the question.
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttl, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

/** The bytes of an address in full form or with one gap. */
function ipv6(address: string): Buffer {
  const [front = '', back = ''] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((one) => parseInt(one, 16));
  const [first, last] = [groups(front), groups(back)];
  const gap = new Array<number>(8 - first.length - last.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...first, ...gap, ...last].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}
