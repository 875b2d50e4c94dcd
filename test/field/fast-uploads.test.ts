// Source: uploads of 1 GiB by curl to nginx on the same host: one turn of the loop brought more than a hundred megabytes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { eventually, inFlight, serverOf, startGateway, type TestGateway } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
/** Bytes of one turn; much more than limits.bufferedBodies here and than the kernel keeps. */
const TURN = 64 * MIB;
const BUDGET = 8 * MIB;
const first = 'first';
/** Milliseconds within which another process must have read something. */
const PATIENCE_MS = 20_000;

/** Reads during a turn of the gateway's loop, because it is another process; responds with the number of bytes. */
const program = `
import socket
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True:
    peer, _ = server.accept()
    text = b''
    while b'\\r\\n\\r\\n' not in text:
        text += peer.recv(65536)
    head, rest = text.split(b'\\r\\n\\r\\n', 1)
    length = int([l for l in head.lower().split(b'\\r\\n') if l.startswith(b'content-length')][0].split(b':')[1])
    count = len(rest)
    while count < length:
        count += len(peer.recv(1 << 20))
    body = str(count).encode()
    peer.sendall(b'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' % (len(body), body))
    peer.close()
`;

let upstream: ChildProcess;
let gateway: TestGateway;

before(async () => {
  upstream = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(
    createInterface({ input: upstream.stdout as NodeJS.ReadableStream }),
    'line',
  )) as [string];
  gateway = await startGateway({
    upstreamPort: Number(line),
    routes: [{ auth: 'none' }],
    config: { limits: { bufferedBodies: BUDGET } },
  });
});

after(async () => {
  await gateway.close();
  upstream.kill();
  await once(upstream, 'exit');
});

test(
  'bytes that upstream reads within a turn of the loop make room within that turn',
  needs('python3'),
  async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(
      `POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${first.length + TURN}\r\n\r\n${first}`,
    );
    const exchange = (await eventually(
      async () =>
        (await gateway.connections())['busy'] === 1 && held() === 0 ? inFlight(gateway)[0] : undefined,
      (seen) => seen !== undefined,
    )) as { onRequestBody(chunk: Uint8Array, last: boolean): void };
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const piece = Buffer.alloc(MIB / 2);
    const empty = Buffer.alloc(0);
    // As the engine does it: without a pause in which the loop could poll another socket.
    const until = performance.now() + PATIENCE_MS;
    for (let at = 0; at < TURN; at += piece.length) {
      exchange.onRequestBody(piece, at + piece.length === TURN);
      while (held() > 0 && performance.now() < until) {
        Atomics.wait(flag, 0, 0, 1);
        exchange.onRequestBody(empty, at + piece.length === TURN);
      }
      assert.equal(held(), 0, `${at} bytes were through`);
    }
    const { status, body } = await wire.response();
    assert.deepEqual([status, body], [200, String(first.length + TURN)]);
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
    wire.close();
  },
);

/** Bytes in request bodies. */
function held(): number {
  return serverOf(gateway).service.budget.used;
}
