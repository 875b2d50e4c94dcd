import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { ClientHelloReader, type Hello } from '../../../../src/front/node/tls/client-hello.ts';

/** What a real client sends first. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes as Buffer;
}

function read(pieces: readonly Buffer[]): Pick<Hello, 'done'> & { readonly serverName?: string | undefined } {
  const reader = new ClientHelloReader();
  let hello: Hello = { done: false };
  for (const piece of pieces) hello = reader.push(piece);
  assert.deepEqual(Buffer.from(reader.bytes), Buffer.concat(pieces));
  return hello.done ? { done: true, serverName: hello.serverName } : hello;
}

/** The same message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('the host name of a ClientHello', () => {
  let named: Buffer;
  let nameless: Buffer;
  before(async () => {
    named = await helloOf('a.example');
    nameless = await helloOf('');
  });

  test('costs in proportion to its bytes, although each has a record and comes alone', () => {
    // A message of 9,000 bytes, of which as many come as fit the limit.
    const content = Buffer.alloc(2_700, 1);
    content.writeUIntBE(9_000, 1, 3);
    const records = Array.from(content, (byte) => Buffer.from([22, 3, 1, 0, 1, byte]));
    const reader = new ClientHelloReader();
    const before = process.cpuUsage();
    for (const record of records) assert.deepEqual(reader.push(record), { done: false });
    const { user, system } = process.cpuUsage(before);
    // Read anew at each record, they cost a minute.
    assert.ok(user + system < 1_000_000, `${user + system} µs`);
    let hello: Hello = { done: false };
    for (let more = 0; more < 100 && !hello.done; more += 1) hello = reader.push(records[5] as Buffer);
    assert.deepEqual(hello, { done: true, serverName: undefined, message: undefined });
  });

  test('is read whole, at every split, byte by byte and from several records', () => {
    const wanted = { done: true, serverName: 'a.example' };
    assert.deepEqual(read([named]), wanted);
    for (let at = 1; at < named.length; at += 1) {
      assert.deepEqual(read([named.subarray(0, at)]), { done: false });
      assert.deepEqual(read([named.subarray(0, at), named.subarray(at)]), wanted);
    }
    assert.deepEqual(read(Array.from(named, (byte) => Buffer.from([byte]))), wanted);
    for (const size of [1, 2, 3, 4, 5, 100]) assert.deepEqual(read([inRecords(named, size)]), wanted);
    assert.deepEqual(read([nameless]), { done: true, serverName: undefined });
  });

  test('is none in bytes that are no ClientHello, which end the reading at once', () => {
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x02\x00\x00\x05abcde',
      '\x16\x03\x01\x00\x00',
      '\x16\x03\x01\x00\x04\x02\x00\x00\x00',
      '\x16\x03\x01\x00\x04\x01\xff\xff\xff',
      '\x16\x03\x01\xff\xff',
      '\x16\x03\x01\x00\x04\x01\x00\x00\x00',
    ]) {
      assert.deepEqual(read([Buffer.from(bytes, 'latin1')]), { done: true, serverName: undefined }, bytes);
    }
  });

  test('is never read out of bounds: each byte changed, each length cut', () => {
    for (let at = 5; at < named.length; at += 1) {
      for (const value of [0, 1, 127, 255]) {
        const changed = Buffer.from(named);
        changed[at] = value;
        const hello = read([changed]);
        if (hello.done) assert.ok((hello.serverName?.length ?? 0) <= named.length);
      }
    }
  });
});
