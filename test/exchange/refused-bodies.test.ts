import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Wire } from '../support/wire.ts';

/** Bytes of a refused request's body that are still read. */
const READ = 16 * 1024 * 1024;
/** A port on which no process listens; no request gets that far. */
const NOBODY = 9;

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway({
    upstreamPort: NOBODY,
    routes: [{ match: { host: undefined, path: '/api', methods: undefined } }],
  });
});

afterEach(() => gateway.close());

const post = (length: number): string =>
  `POST /elsewhere HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${length}\r\n\r\n`;

describe('a refused request with a body still to come', () => {
  test('leaves the connection open when the body is short, and the request after the body is answered', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(post(READ));
    const first = await wire.response();
    assert.deepEqual([first.status, first.headers.get('connection')], [404, undefined]);
    wire.send('b'.repeat(READ));
    wire.send(post(0));
    assert.equal((await wire.response()).status, 404);
    assert.equal(wire.closed, false);
    assert.deepEqual(await gateway.outcomes(), { route_not_found: 2 });
    wire.close();
  });

  test('closes it when the body is longer', async () => {
    const wire = await Wire.open(gateway.port);
    wire.send(post(READ + 1));
    const refused = await wire.response();
    assert.deepEqual([refused.status, refused.headers.get('connection')], [404, 'close']);
    await wire.untilClosed();
    wire.close();
  });
});
