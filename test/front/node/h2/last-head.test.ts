import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../../src/http/message.ts';
import { data, flags, H2Client, plainTerms } from './client.ts';
import { frame, types } from './frames.ts';
import { indexed, literal } from './hpack/reference-encoder.ts';

const GET = 2;
const POST = 3;
const PATH = 4;
const HTTP = 6;
/** The field that was added last. */
const NEWEST = 62;

const open = (stream: number, flag: number, ...block: Buffer[]): Buffer =>
  frame(types.headers, flag, stream, Buffer.concat(block));
const whole = (stream: number, ...block: Buffer[]): Buffer => open(stream, flags.end, ...block);
const authority = literal('incremental', 1, 'example.com');
const first = (stream: number): Buffer =>
  whole(stream, indexed(GET), indexed(HTTP), indexed(PATH), authority);
const again = (stream: number): Buffer =>
  whole(stream, indexed(GET), indexed(HTTP), indexed(PATH), indexed(NEWEST));

const headAt = (client: H2Client, at: number): RequestHead => client.exchange(at).client.head;

describe('a request whose fields are those of the last', () => {
  test('has the same head, which is right', () => {
    const client = new H2Client();
    client.send(first(1), again(3), again(5), again(7));
    assert.equal(headAt(client, 3), headAt(client, 2));
    for (const { client: stream } of client.exchanges) {
      const { method, path, host, names, values, framing, fault } = stream.head;
      assert.deepEqual([method, path, host, framing, fault], ['GET', '/', 'example.com', 'none', undefined]);
      assert.deepEqual([names, values], [['host'], ['example.com']]);
    }
  });

  test('has another head once the same bytes refer to another field', () => {
    const client = new H2Client();
    client.send(first(1), again(3), again(5));
    client.send(whole(7, indexed(GET), indexed(HTTP), indexed(PATH), literal('incremental', 1, 'b.test')));
    client.send(again(9), again(11));
    assert.deepEqual(
      client.exchanges.map(({ client: stream }) => stream.head.host),
      ['example.com', 'example.com', 'example.com', 'b.test', 'b.test', 'b.test'],
    );
  });

  test('has another head when it has a body, or one field more, or one less', () => {
    const client = new H2Client();
    const fields = [indexed(HTTP), indexed(PATH), indexed(NEWEST)];
    client.send(first(1));
    for (const [at, method] of [POST, POST, POST].entries()) {
      const stream = 3 + 4 * at;
      client.send(whole(stream, indexed(method), ...fields));
      client.send(
        open(stream + 2, flags.endHeaders, indexed(method), ...fields),
        data(stream + 2, 'x', true),
      );
    }
    client.send(whole(15, indexed(GET), ...fields), whole(17, indexed(GET), ...fields, indexed(16)));
    client.send(whole(19, indexed(GET), ...fields), whole(21, ...fields));
    assert.deepEqual(
      client.exchanges.slice(1, 7).map(({ client: stream, body }) => [stream.head.framing, body]),
      [0, 1, 2].flatMap(() => [
        ['none', ''],
        ['chunked', 'x'],
      ]),
    );
    assert.deepEqual(
      client.exchanges.slice(7).map(({ client: stream }) => [stream.head.names.length, stream.head.fault]),
      [
        [1, undefined],
        [2, undefined],
        [1, undefined],
        [1, 'request_malformed'],
      ],
    );
  });

  test('is refused as often as it is faulty', () => {
    const client = new H2Client();
    const faulty = (stream: number): Buffer =>
      whole(stream, indexed(GET), indexed(HTTP), indexed(PATH), indexed(PATH));
    client.send(faulty(1), faulty(3), faulty(5));
    for (const { client: stream } of client.exchanges) assert.equal(stream.head.fault, 'request_malformed');
    assert.equal(client.exchanges.length, 3);
  });

  test('is refused once the limit is below it', () => {
    const limits = { requestHead: 16_384, headerFields: 200 };
    const client = new H2Client({ terms: { ...plainTerms, limits } });
    client.send(first(1), again(3), again(5));
    limits.requestHead = 100;
    client.send(again(7));
    assert.deepEqual(
      client.exchanges.map(({ client: stream }) => stream.head.fault),
      [undefined, undefined, undefined, 'request_head_too_large'],
    );
  });
});
