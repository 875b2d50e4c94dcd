// Source: envoyproxy/envoy#18844 (many 102), python-hyper/h11#143 (padded chunk sizes), bottlepy/bottle#829 (204 with a length), and runs of whole programs behind the gateway (equal lengths, status 600 and 999).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
/** The next response of the origin. */
let nextResponse = '';

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
  origin.serve(() => nextResponse);
});

const head = (...lines: string[]): string => `HTTP/1.1 ${lines.join('\r\n')}\r\n\r\n`;
const interim = head('102 Processing');
const ok = `${head('200 OK', 'Content-Length: 2')}ok`;
const chunked = head('200 OK', 'Transfer-Encoding: chunked');

interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly method?: string;
  readonly status: number;
  readonly body?: string;
  /** Content-Length as the client gets it. */
  readonly length?: string | undefined;
}

const taken: readonly Row[] = [
  { name: '20 interim answers', bytes: interim.repeat(20) + ok, status: 200, body: 'ok', length: '2' },
  { name: '1,000 interim answers', bytes: interim.repeat(1000) + ok, status: 200, body: 'ok', length: '2' },
  {
    name: 'interim answers of several kinds',
    bytes: head('100 Continue') + head('103 Early Hints', 'Link: </a>') + head('199 Odd') + ok,
    status: 200,
    body: 'ok',
    length: '2',
  },
  {
    name: 'padded chunk sizes',
    bytes: `${chunked}2   \r\nok\r\n0   \r\n\r\n`,
    status: 200,
    body: 'ok',
    length: '2',
  },
  {
    name: 'chunk sizes padded by tabs',
    bytes: `${chunked}2\t\r\nok\r\n0\r\n\r\n`,
    status: 200,
    body: 'ok',
    length: '2',
  },
  { name: '204 with length 0', bytes: head('204 No Content', 'Content-Length: 0'), status: 204 },
  { name: '204 with a length', bytes: head('204 No Content', 'Content-Length: 5'), status: 204 },
  {
    name: 'two equal lengths',
    bytes: `${head('200 OK', 'Content-Length: 2', 'Content-Length: 2')}ok`,
    status: 200,
    body: 'ok',
    length: '2',
  },
  {
    name: 'a list of equal lengths',
    bytes: `${head('200 OK', 'Content-Length: 2, 2')}ok`,
    status: 200,
    body: 'ok',
    length: '2',
  },
  {
    name: 'two equal lengths to HEAD',
    bytes: head('200 OK', 'Content-Length: 2', 'Content-Length: 2'),
    method: 'HEAD',
    status: 200,
    length: '2',
  },
  { name: 'status 600', bytes: head('600 Odd', 'Content-Length: 0'), status: 600, length: '0' },
  {
    name: 'status 999',
    bytes: `${head('999 No', 'Content-Length: 2')}no`,
    status: 999,
    body: 'no',
    length: '2',
  },
];

const refused: readonly (readonly [name: string, bytes: string])[] = [
  ['interim answers above the head limit', interim.repeat(4000) + ok],
  ['101 behind interim answers', interim + head('101 Switching', 'Upgrade: x', 'Connection: upgrade')],
  ['102 with a length', head('102 Processing', 'Content-Length: 2') + ok],
  ['LF alone behind interim answers', `${interim}HTTP/1.1 200 OK\nContent-Length: 0\n\n`],
  ['LF alone', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['two lengths', `${head('200 OK', 'Content-Length: 2', 'Content-Length: 3')}ok`],
  ['a list of lengths', `${head('200 OK', 'Content-Length: 2, 3')}ok`],
  ['equal lengths in two spellings', `${head('200 OK', 'Content-Length: 2, 02')}ok`],
  ['a length and chunked', head('200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked')],
  ['chunked in HTTP/1.0', chunked.replace('1.1', '1.0')],
  ['status line of HTTP/2.0', ok.replace('1.1', '2.0')],
  ['control bytes in a value', head('200 OK', 'A: 1\x01', 'Content-Length: 0')],
  ['blanks before a chunk size', `${chunked} 2\r\nok\r\n0\r\n\r\n`],
  ['17 blanks behind a chunk size', `${chunked}2${' '.repeat(17)}\r\nok\r\n0\r\n\r\n`],
  ['chunk extensions above the limit', `${chunked}2;${'x'.repeat(20_000)}\r\nok\r\n0\r\n\r\n`],
  ['status 99', head('99 Odd', 'Content-Length: 0')],
  ['status 1000', head('1000 Odd', 'Content-Length: 0')],
  ['status 2x0', head('2x0 Odd', 'Content-Length: 0')],
];

const ask = async (wire: Wire, method = 'GET'): Promise<Awaited<ReturnType<Wire['response']>>> => {
  wire.send(`${method} / HTTP/1.1\r\nHost: a.example\r\n\r\n`);
  return wire.response({ toHead: method === 'HEAD' });
};

describe('what servers send is accepted', () => {
  for (const { name, bytes, method, status, body = '', length } of taken) {
    test(name, async () => {
      const wire = await Wire.open(gateway.port);
      nextResponse = bytes;
      const response = await ask(wire, method);
      assert.equal(response.status, status);
      assert.equal(response.body, body);
      assert.equal(response.headers.get('content-length'), length);
      nextResponse = ok;
      assert.equal((await ask(wire)).body, 'ok', 'the client connection is usable behind it');
      wire.close();
    });
  }
});

describe('its neighbours are refused', () => {
  for (const [name, bytes] of refused) {
    test(name, async () => {
      const wire = await Wire.open(gateway.port);
      nextResponse = bytes;
      const response = await ask(wire);
      assert.equal(response.status, 502);
      assert.equal(JSON.parse(response.body).code, 'upstream_invalid_response');
      wire.close();
    });
  }
});
