import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { eventually, inFlight, startGateway, type TestGateway } from '../../support/gateway.ts';
import { type EchoClient, EchoServer, echoClient } from './grpc-peers.ts';

describe('calls of gRPC through a gateway', () => {
  let server: EchoServer;
  let gateway: TestGateway;
  let client: EchoClient;

  before(async () => {
    server = await EchoServer.start();
    gateway = await startGateway({
      upstreamPort: server.port,
      server: { protocol: 'h2' },
      config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['h2c'] }] },
      routes: [
        {},
        { name: '/test.Secret', match: { host: undefined, path: '/test.Secret', methods: undefined } },
      ],
    });
    client = echoClient(gateway.port);
  });
  after(async () => {
    client.close();
    await gateway.close();
    server.close();
  });

  const bearer = (): grpc.Metadata => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', gateway.bearer());
    return metadata;
  };

  interface Result {
    readonly value: string | undefined;
    readonly error: grpc.ServiceError | null;
    readonly trailers: grpc.Metadata;
  }

  async function unary(
    message: string,
    metadata = bearer(),
    options: grpc.CallOptions = {},
  ): Promise<Result> {
    return new Promise((done) => {
      let trailers = new grpc.Metadata();
      let result: Omit<Result, 'trailers'> | undefined;
      const call = client.unary(message, metadata, options, (error, value) => {
        result = { error, value };
      });
      call.on('status', (status: grpc.StatusObject) => {
        trailers = status.metadata;
        setImmediate(() => done({ ...(result as Result), trailers }));
      });
    });
  }

  test('get their response, and the trailers behind it', async () => {
    const { value, error, trailers } = await unary('hello');
    assert.deepEqual([value, error, trailers.get('x-trailer')], ['hello!', null, ['behind']]);
  });

  test('get the status of a server that refuses them', async () => {
    const { error } = await unary('refuse');
    assert.deepEqual([error?.code, error?.details], [grpc.status.NOT_FOUND, 'no such thing']);
  });

  test('get the status of a method that the server does not have', async () => {
    const call = client.makeUnaryRequest(
      '/test.Echo/None',
      (message: string) => Buffer.from(message),
      String,
      'x',
      bearer(),
      {},
      () => {},
    );
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    assert.equal(status.code, grpc.status.UNIMPLEMENTED);
  });

  test('stream what their client sends', async () => {
    const done = new Promise<string | undefined>((resolve, reject) => {
      const call = client.upload(bearer(), (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
      for (const part of ['a', 'b', 'c']) call.write(part);
      call.end();
    });
    assert.equal(await done, 'a+b+c');
  });

  test('stream what their server sends', async () => {
    const call = client.download('1000', bearer());
    const all: string[] = [];
    for await (const message of call) all.push(message as string);
    assert.equal(all.length, 1000);
    assert.equal(all.at(-1), 'message 999');
  });

  test('stream both ways, message by message', async () => {
    const call = client.talk(bearer());
    for (const word of ['one', 'two', 'three']) {
      call.write(word);
      const [heard] = await once(call, 'data');
      assert.equal(heard, word.toUpperCase());
    }
    call.end();
    call.resume();
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    assert.equal(status.code, grpc.status.OK);
  });

  test('carry large messages', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const { value, error } = await unary(large);
    assert.deepEqual([value?.length, error], [large.length + 1, null]);
  });

  test('tell the server their deadline, and end with it', async () => {
    server.deadlines = [];
    const { cancelled } = server;
    const { error } = await unary('wait', bearer(), { deadline: Date.now() + 300 });
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
    assert.ok(Number(server.deadlines[0]) < Date.now() + 60_000, 'the server knows it');
    await eventually(
      () => server.cancelled,
      (count) => count > cancelled,
    );
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 0,
    );
  });

  test('are cancelled at the server when their client cancels them', async () => {
    const { cancelled } = server;
    const call = client.download('wait', bearer());
    call.on('error', () => {});
    await once(call, 'data');
    call.cancel();
    await eventually(
      () => server.cancelled,
      (count) => count > cancelled,
    );
    await eventually(
      () => inFlight(gateway).length,
      (count) => count === 0,
    );
  });

  test('are refused in the way of gRPC, and reach no server', async () => {
    const { calls } = server;
    const none = await unary('x', new grpc.Metadata());
    assert.equal(none.error?.code, grpc.status.UNAUTHENTICATED);
    assert.equal(none.error?.details, 'token_missing: The request carries no bearer token');
    assert.deepEqual(none.trailers.get('www-authenticate'), ['Bearer realm="portcullis"']);
    const bad = new grpc.Metadata();
    bad.set('authorization', 'Bearer x.y.z');
    const malformed = await unary('x', bad);
    assert.equal(malformed.error?.code, grpc.status.UNAUTHENTICATED);
    assert.match(malformed.error?.details ?? '', /^token_malformed: /);
    const expired = new grpc.Metadata();
    expired.set('authorization', gateway.bearer({ exp: 1 }));
    assert.match((await unary('x', expired)).error?.details ?? '', /^token_expired: /);
    assert.equal(server.calls, calls);
    const outcomes = await gateway.outcomes();
    assert.deepEqual(
      [outcomes['token_missing'], outcomes['token_malformed'], outcomes['token_expired']],
      [1, 1, 1],
    );
  });

  test('end as unavailable while no server works', async () => {
    const alone = await startGateway({
      upstreamPort: 1,
      server: { protocol: 'h2' },
      config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['h2c'] }] },
    });
    const other = echoClient(alone.port);
    const error = await new Promise<grpc.ServiceError | null>((done) =>
      other.unary('x', bearer(), {}, (failure) => done(failure)),
    );
    assert.equal(error?.code, grpc.status.UNAVAILABLE);
    assert.match(error?.details ?? '', /^upstream_unreachable: /);
    other.close();
    await alone.close();
  });
});
