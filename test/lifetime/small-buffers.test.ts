import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

/**
 * With small socket buffers every transfer waits repeatedly, at other places each time. They are a setting of a network
 * namespace, so this file runs itself once more inside one of its own.
 */
const INSIDE = 'PORTCULLIS_SMALL_BUFFERS';
const setUp = [
  'ip link set lo up',
  'echo 4096 16384 65536 > /proc/sys/net/ipv4/tcp_wmem',
  'echo 4096 16384 65536 > /proc/sys/net/ipv4/tcp_rmem',
  'exec "$0" "$1"',
].join(' && ');

const TIMES = 12;
const payload = randomBytes(5_000_000);
const digest = createHash('sha256').update(payload).digest('hex');
/** Together above the engine's 16 KiB cork buffer. */
const manyHeaders = Object.fromEntries(
  Array.from({ length: 120 }, (_, at) => [`x-h-${at}`, 'v'.repeat(200)]),
);

function outside(): void {
  const namespace = process.getuid?.() === 0 ? '-n' : '-rn';
  test('bodies arrive byte for byte through small socket buffers', needs('ip'), async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = [namespace, 'sh', '-c', setUp, process.execPath, import.meta.filename];
    const child = spawn('unshare', args, { env: { ...env, [INSIDE]: '1' } });
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += bytes;
    });
    child.stderr.on('data', (bytes) => {
      output += bytes;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, output);
    assert.match(output, /^. pass 6$/m);
  });
}

/** Reads slower than the other side sends, so that every buffer between them is full. */
async function slowHash(message: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of message) {
    hash.update(bytes as Buffer);
    await sleep(1);
  }
  assert.equal(message.complete, true);
  return hash.digest('hex');
}

async function send(to: NodeJS.WritableStream): Promise<void> {
  // Pieces of many sizes, around the sizes at which buffers end.
  for (let at = 0, size = 1; at < payload.length; at += size, size = (size * 7 + 16_380) % 100_000) {
    if (!to.write(payload.subarray(at, at + size))) await once(to, 'drain');
  }
  to.end();
}

function inside(): void {
  let server: Server;
  let gateway: GatewayProcess;
  before(async () => {
    server = createServer(async (message, response) => {
      const { method, url = '' } = message;
      if (url.includes('many'))
        for (const name in manyHeaders) response.setHeader(name, manyHeaders[name] ?? '');
      if (method === 'POST') response.end(await slowHash(message));
      else {
        if (url.includes('length')) response.setHeader('Content-Length', payload.length);
        await send(response);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    gateway = await startGatewayProcess((server.address() as AddressInfo).port);
  });
  after(async () => {
    await gateway.close();
    server.close();
    server.closeAllConnections();
  });
  const target = { host: '127.0.0.1', agent: false, maxHeaderSize: 64 * 1024 } as const;
  let forwarded = 0;
  const repeat = async (once: () => Promise<string>): Promise<void> => {
    const digests = await Promise.all(Array.from({ length: TIMES }, once));
    assert.deepEqual(new Set(digests), new Set([digest]));
    forwarded += TIMES;
    const seen = await eventually(
      () => gateway.outcomes(),
      (counts) => counts['forwarded'] === forwarded,
    );
    assert.deepEqual(seen, { forwarded });
    assert.equal((await gateway.connections())['busy'], undefined);
  };
  for (const path of ['/length', '/chunked', '/length/many', '/chunked/many']) {
    test(`a response, ${path}`, () =>
      repeat(async () => {
        const asked = get({ ...target, port: gateway.port, path });
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        if (path.includes('many')) assert.equal(response.headers['x-h-119'], manyHeaders['x-h-119']);
        return slowHash(response);
      }));
  }
  for (const framing of ['length', 'chunked']) {
    test(`an upload, ${framing}`, () =>
      repeat(async () => {
        const headers = framing === 'length' ? { 'Content-Length': payload.length } : {};
        const sent = request({ ...target, port: gateway.port, method: 'POST', path: '/many', headers });
        const responded = once(sent, 'response');
        await send(sent);
        const [response] = (await responded) as [IncomingMessage];
        let text = '';
        for await (const bytes of response) text += bytes;
        return text;
      }));
  }
}

if (process.env[INSIDE] === '1') inside();
else outside();
