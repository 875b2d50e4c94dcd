import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

publicGateway('anew', (made) => {
  ({ origin, gateway } = made);
});

const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = 'POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nhello';

describe('upstream is released at once when its client leaves', () => {
  for (const [when, request, response] of [
    ['before the answer', get, ''],
    ['in the middle of its upload', post, ''],
    ['in the middle of an answer by length', get, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'],
    [
      'in the middle of a chunked answer',
      get,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ],
  ] as const) {
    test(when, async () => {
      const wire = await Wire.open(gateway.port);
      wire.send(request);
      const upstream = await origin.connection();
      await upstream.head();
      upstream.write(response);
      await eventually(
        () => wire.pending,
        (text) => response === '' || text.includes('hello'),
      );
      wire.reset();
      await eventually(
        () => gateway.outcomes(),
        (seen) => Object.keys(seen).length > 0,
      );
      assert.deepEqual(await gateway.outcomes(), { client_aborted: 1 });
      assert.deepEqual(await gateway.connections(), {});
      await upstream.closed();
    });
  }
});
