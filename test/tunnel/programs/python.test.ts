// Python's websockets on both sides of a gateway.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, test } from 'node:test';
import { serverOf, type TestGateway } from '../../support/gateway.ts';
import { debianPython, needsModules } from '../../support/programs.ts';
import { revocation, revoke } from '../../support/revocation.ts';
import { Running } from '../../support/running.ts';
import { ca, connectWs, startTunnels } from './ws-peers.ts';

/** Sends back each message, and pings often. Prints its port, and the code and reason of each end. */
const SERVER = `
import asyncio, websockets

async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    finally:
        print('ended', socket.close_code, socket.close_reason, flush=True)

async def main():
    async with websockets.serve(echo, '127.0.0.1', 0, subprotocols=['chat'], max_size=2 ** 23, ping_interval=0.2) as server:
        print('port', server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()

asyncio.run(main())
`;

/** Takes URL, bearer and authority; prints what it sees, and waits for the end by the other side. */
const CLIENT = `
import asyncio, ssl, sys, websockets

url, bearer, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority) if url.startswith('wss:') else None

async def main():
    try:
        await websockets.connect(url, ssl=context)
    except websockets.InvalidStatusCode as error:
        print('refused', error.status_code, flush=True)
    headers = {'Authorization': bearer}
    async with websockets.connect(url, ssl=context, extra_headers=headers, subprotocols=['echo', 'chat'], max_size=2 ** 23) as socket:
        print('open', socket.subprotocol, [extension.name for extension in socket.extensions], flush=True)
        for message in ['gr\\u00fc\\u00dfe', b'\\x00\\x88', 'x' * 2 ** 20, ['frag', 'ments']]:
            await socket.send(message)
            wanted = ''.join(message) if isinstance(message, list) else message
            assert await socket.recv() == wanted
        await (await socket.ping())
        print('echoed', flush=True)
        try:
            await socket.recv()
        except websockets.ConnectionClosed as error:
            print('ended', error.rcvd.code, error.rcvd.reason, flush=True)

asyncio.run(main())
`;

describe("Python's websockets", needsModules('websockets'), () => {
  const running = new Running();
  const children: ChildProcess[] = [];
  let gateway: TestGateway;
  let server: () => Promise<string>;
  let port = 0;

  /** Runs a script, and yields what gives its next line. */
  function run(script: string, ...args: string[]): () => Promise<string> {
    const child = spawn(debianPython, ['-c', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let complaints = '';
    child.stderr.on('data', (bytes: Buffer) => {
      complaints += bytes;
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the script has ended: ${complaints}`);
      return value;
    };
  }

  before(async () => {
    server = run(SERVER);
    port = Number((await server()).split(' ')[1]);
  });
  after(async () => {
    for (const child of children) {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    }
    await running.close();
  });
  afterEach(() => gateway.close());

  for (const overTls of [false, true]) {
    test(`on both sides, ${overTls ? 'over TLS' : 'in plain text'}`, async () => {
      gateway = await startTunnels(port, { config: { revocation } }, overTls);
      const url = `${overTls ? 'wss' : 'ws'}://127.0.0.1:${gateway.port}/ws`;
      const client = run(CLIENT, url, gateway.bearer(), running.file('ca.pem', ca));
      assert.equal(await client(), 'refused 401');
      assert.equal(await client(), "open chat ['permessage-deflate']");
      assert.equal(await client(), 'echoed');
      await revoke(gateway.adminPort, { sub: 'user' });
      assert.equal(await client(), 'ended 1008 token_revoked');
      // The client's reply to Close came to the gateway, and upstream was left.
      assert.equal(await server(), 'ended 1008 token_revoked');
    });
  }

  test('as a server whose pings alone keep a WebSocket open, with a client of ws', async () => {
    const idleMs = 2_000;
    gateway = await startTunnels(port, { config: { timeouts: { tunnelMs: idleMs } } });
    const headers = { authorization: gateway.bearer() };
    const client = await connectWs(gateway, { offers: ['chat'], headers });
    const until = performance.now() + idleMs * 1.5;
    while (performance.now() < until) await once(client.socket, 'ping');
    assert.equal(serverOf(gateway).tunnels.size, 1);
    client.socket.close(4000, 'enough');
    assert.deepEqual(await client.closed, [4000, 'enough']);
    assert.equal(await server(), 'ended 4000 enough');
  });
});
