import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../../../src/http/message.ts';
import { connectFields, data, flags, get, goAwayCode, H2Client, requestBlock } from '../client.ts';
import { frame, PREFACE, settings, types } from '../frames.ts';
import { checkRows, errors, type Row } from './rows.ts';

type Fields = readonly (readonly [name: string, value: string])[];

const terms = { webSockets: true };
/** SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3). */
const CONNECT_PROTOCOL = 0x8;

const head = (fields: Fields, stream = 1, flag: number = flags.endHeaders): Buffer =>
  frame(types.headers, flag, stream, requestBlock(fields));
const without = (name: string): Fields => connectFields().filter(([one]) => one !== name);
const malformed = (fields: Fields, flag?: number): Row => ({
  send: [head(fields, 1, flag)],
  terms,
  expect: 'malformed',
});
const headOf = (client: H2Client, at = 0): RequestHead => client.exchange(at).client.head;

function keysOf({ names, values }: RequestHead): readonly (string | undefined)[] {
  return names.flatMap((name, at) => (name === 'sec-websocket-key' ? [values[at]] : []));
}

checkRows('RFC 8441 §4: an extended CONNECT', {
  'is the request that HTTP/1.1 has for it': {
    send: [head(connectFields(['origin', 'https://a'], ['sec-websocket-protocol', 'chat']))],
    terms,
    expect: { requests: 1 },
    also: (client) => {
      const { method, path, query, host, names, connects, framing } = headOf(client);
      assert.deepEqual(
        [method, path, query, host, connects, framing],
        ['GET', '/ws', 'a=b', 'example.com', 'websocket', 'none'],
      );
      const known = [
        'host',
        'sec-websocket-version',
        'origin',
        'sec-websocket-protocol',
        'sec-websocket-key',
      ];
      assert.deepEqual(names, known);
      assert.match(keysOf(headOf(client)).join(), /^[A-Za-z0-9+/]{21}[AQgw]==$/);
    },
  },
  'has a key of ours in place of each that it brings': {
    send: [head(connectFields(['sec-websocket-key', 'a'], ['x-a', '1'], ['sec-websocket-key', 'b']))],
    terms,
    expect: { requests: 1 },
    also: (client) => {
      assert.equal(keysOf(headOf(client)).length, 1);
      assert.deepEqual(headOf(client).names.slice(1, 3), ['sec-websocket-version', 'x-a']);
    },
  },
  'for another protocol has no key, and names the protocol in lower case': {
    send: [
      head(connectFields().map(([name, value]) => [name, name === ':protocol' ? 'Connect-UDP' : value])),
    ],
    terms,
    expect: { requests: 1 },
    also: (client) => {
      assert.equal(headOf(client).connects, 'connect-udp');
      assert.deepEqual(keysOf(headOf(client)), []);
    },
  },
  'needs the setting': { send: [head(connectFields())], expect: 'malformed' },
  'needs a scheme': malformed(without(':scheme')),
  'needs a path': malformed(without(':path')),
  'needs an authority': malformed(without(':authority')),
  'needs an authority also beside host': malformed([...without(':authority'), ['host', 'example.com']]),
  'names no asterisk': malformed([
    ...without(':path').slice(0, 1),
    [':path', '*'],
    ...without(':path').slice(1),
  ]),
  'names its protocol once': malformed([[':protocol', 'websocket'], ...connectFields()]),
  'names its protocol before the fields': malformed([...without(':protocol'), [':protocol', 'websocket']]),
  'is CONNECT': malformed([[':method', 'GET'], ...without(':method')]),
  'is not POST': malformed([[':method', 'POST'], ...without(':method')]),
  'without a protocol stays refused': malformed(without(':protocol')),
  'without a protocol, scheme and path stays refused': malformed([
    [':method', 'CONNECT'],
    [':authority', 'example.com:443'],
  ]),
  'does not end with its head': malformed(connectFields(), flags.end),
  'has no Content-Length': malformed(connectFields(['content-length', '5'])),
  'has no Content-Length of 0': malformed(connectFields(['content-length', '0'])),
  'has no Upgrade': malformed(connectFields(['upgrade', 'websocket'])),
  'has no Connection': malformed(connectFields(['connection', 'upgrade'])),
  'has no trailers (RFC 9113 §8.5)': {
    send: [head(connectFields()), frame(types.headers, flags.end, 1, requestBlock([['x-a', '1']]))],
    terms,
    expect: { reset: errors.protocol },
  },
  'that is refused may have data under way, which is dropped': {
    send: [head(connectFields()), data(1, 'early'), data(1, 'more', true), get(3)],
    terms,
    responds: true,
    expect: { requests: 2 },
  },
  'has its setting taken with 0 and 1': {
    send: [settings([CONNECT_PROTOCOL, 1]), settings([CONNECT_PROTOCOL, 0]), get(1)],
    expect: { requests: 1 },
  },
  'has no setting above 1 (§3)': {
    send: [settings([CONNECT_PROTOCOL, 2])],
    expect: { goaway: errors.protocol },
  },
});

describe('an extended CONNECT', () => {
  for (const webSockets of [true, false]) {
    test(`is ${webSockets ? '' : 'not '}offered with the first settings`, async () => {
      const client = new H2Client({ greeted: false, terms: { webSockets } });
      client.send(PREFACE, settings());
      const [first] = await client.frames();
      assert.equal(first?.type, types.settings);
      const ids = Array.from({ length: (first?.payload.length ?? 0) / 6 }, (_, at) => [
        first?.payload.readUInt16BE(at * 6),
        first?.payload.readUInt32BE(at * 6 + 2),
      ]);
      const expected = webSockets ? [[CONNECT_PROTOCOL, 1]] : [];
      assert.deepEqual(
        ids.filter(([id]) => id === CONNECT_PROTOCOL),
        expected,
      );
    });
  }

  test('has another key each time, also where a client repeats the same fields', () => {
    const client = new H2Client({ terms });
    for (let stream = 1; stream < 9; stream += 2) client.send(head(connectFields(), stream));
    const keys = client.exchanges.map((_, at) => keysOf(headOf(client, at))[0]);
    assert.equal(new Set(keys).size, 4);
  });

  test('may be cut into two frames, and three, at every place', async () => {
    const block = requestBlock(connectFields());
    for (let at = 0; at <= block.length; at += 1) {
      const client = new H2Client({ terms });
      const middle = Math.floor((at + block.length) / 2);
      client.send(frame(types.headers, 0, 1, block.subarray(0, at)));
      client.send(frame(types.continuation, 0, 1, block.subarray(at, middle)));
      assert.equal(client.exchanges.length, 0);
      client.send(frame(types.continuation, flags.endHeaders, 1, block.subarray(middle)));
      assert.equal(headOf(client).connects, 'websocket');
      assert.equal(goAwayCode(await client.frames()), undefined);
    }
  });
});
