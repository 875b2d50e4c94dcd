// Source: an adversarial review, what held: every byte value in 15 places of a request head.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import { bareForward, type TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { request, Wire } from '../support/wire.ts';

/** Concurrent clients. */
const BATCH = 64;

const head = (line: string, ...fields: string[]): string => `${[line, ...fields].join('\r\n')}\r\n\r\n`;
const get = (line: string): string => head(line, 'Host: a.example');
const withField = (field: string): string => head('GET /x HTTP/1.1', 'Host: a.example', field);

/** RFC 9110 §5.6.2. */
const isToken = (byte: string): boolean => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(byte);
/** Characters of a path or query besides its own delimiters; more than RFC 3986 has, and never a fragment. */
const isInTarget = (byte: string): boolean => /[!-"$-~]/.test(byte);
const only =
  (wanted: string) =>
  (byte: string): boolean =>
    byte === wanted;

const emptyNamePasses = byEngine('an empty field name', { uws: true, node: false });
const del = byEngine('DEL in a value', { uws: '\x7f', node: '' });
const eightBits = byEngine('bytes from 0x80 up', { uws: '', node: '\x80-\xff' });
const inValue = new RegExp(`[\t -~${del}${eightBits}]`);

interface Place {
  readonly name: string;
  /** The request with the byte in it. */
  readonly make: (byte: string) => string;
  readonly passes: (byte: string) => boolean;
  /** What upstream receives for a byte that passes; by default the request with names in lower case. */
  readonly arrives?: (byte: string) => string;
}

const field = (text: string): string => {
  const colon = text.indexOf(':');
  return head(
    'GET /x HTTP/1.1',
    'host: a.example',
    `${text.slice(0, colon).toLowerCase()}: ${text.slice(colon + 1).trim()}`,
  );
};

const places: readonly Place[] = [
  { name: 'first of the method', make: (byte) => get(`${byte}ET /x HTTP/1.1`), passes: isToken },
  { name: 'inside the method', make: (byte) => get(`G${byte}T /x HTTP/1.1`), passes: isToken },
  { name: 'last of the method', make: (byte) => get(`GE${byte} /x HTTP/1.1`), passes: isToken },
  { name: 'between method and target', make: (byte) => get(`GET${byte}/x HTTP/1.1`), passes: only(' ') },
  { name: 'first of the target', make: (byte) => get(`GET ${byte}x HTTP/1.1`), passes: only('/') },
  { name: 'inside the path', make: (byte) => get(`GET /a${byte}b HTTP/1.1`), passes: isInTarget },
  { name: 'inside the query', make: (byte) => get(`GET /x?a${byte}b HTTP/1.1`), passes: isInTarget },
  { name: 'between target and version', make: (byte) => get(`GET /x${byte}HTTP/1.1`), passes: only(' ') },
  { name: 'inside the version', make: (byte) => get(`GET /x HTTP${byte}1.1`), passes: only('/') },
  { name: 'behind the version', make: (byte) => get(`GET /x HTTP/1.1${byte}`), passes: () => false },
  {
    name: 'first of a name',
    make: (byte) => withField(`${byte}-A: b`),
    // For uWebSockets.js an empty name ends the list of fields: it hides the next ones from everything, see the limits.
    passes: (byte) => isToken(byte) || (byte === ':' && emptyNamePasses),
    arrives: (byte) => (byte === ':' ? head('GET /x HTTP/1.1', 'host: a.example') : field(`${byte}-A: b`)),
  },
  {
    name: 'inside a name',
    make: (byte) => withField(`X${byte}A: b`),
    passes: (byte) => isToken(byte) || byte === ':',
    arrives: (byte) => field(`X${byte}A: b`),
  },
  {
    name: 'before the colon',
    make: (byte) => withField(`X-A${byte}: b`),
    passes: (byte) => isToken(byte) || byte === ':',
    arrives: (byte) => field(`X-A${byte}: b`),
  },
  {
    name: 'inside a value',
    make: (byte) => withField(`X-A: a${byte}b`),
    passes: (byte) => inValue.test(byte),
    arrives: (byte) => field(`X-A: a${byte}b`),
  },
  {
    name: 'inside Host',
    make: (byte) => head('GET /x HTTP/1.1', `Host: a${byte}b.example`),
    passes: (byte) => /[._~0-9A-Za-z-]/.test(byte),
    arrives: (byte) => head('GET /x HTTP/1.1', `host: a${byte}b.example`),
  },
];

let origin: Origin;
let gateway: TestGateway;
let seen: string[] = [];

publicGateway(
  'once',
  (made) => {
    ({ origin, gateway } = made);
    origin.serve((text) => {
      if (!text.startsWith('GET /marker ')) seen.push(text);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    });
  },
  { routes: [{ forward: bareForward, auth: 'none' }] },
);

/** The results of the clients, each for one byte: `passes`, `refused`, or `waits` for more without a response. */
async function outcomes({ make, passes }: Place, batch: readonly string[]): Promise<string[]> {
  const wires = await Promise.all(batch.map(() => Wire.open(gateway.port)));
  try {
    for (const [at, wire] of wires.entries()) wire.send(make(batch[at] as string));
    for (const [at, wire] of wires.entries()) {
      if (passes(batch[at] as string)) await wire.response();
    }
    // When this has its response, earlier bytes have been read and are on their way.
    await request(gateway.port, get('GET /marker HTTP/1.1'));
    return wires.map(({ pending }, at) => {
      if (passes(batch[at] as string)) return pending === '' ? 'passes' : pending;
      return pending === '' ? 'waits' : /^HTTP\/1\.1 (400|505) /.test(pending) ? 'refused' : pending;
    });
  } finally {
    for (const wire of wires) wire.close();
  }
}

const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const shown = (byte: string): string => `0x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;

describe('every byte', () => {
  for (const place of places) {
    test(place.name, async () => {
      seen = [];
      const differing: string[] = [];
      for (let at = 0; at < bytes.length; at += BATCH) {
        const batch = bytes.slice(at, at + BATCH);
        const got = await outcomes(place, batch);
        for (const [index, byte] of batch.entries()) {
          const wanted = place.passes(byte) ? /^passes$/ : /^(refused|waits)$/;
          if (!wanted.test(got[index] as string)) differing.push(`${shown(byte)}: ${got[index]}`);
        }
      }
      assert.deepEqual(differing, []);
      const arrives = place.arrives ?? ((byte) => place.make(byte).replace('Host', 'host'));
      assert.deepEqual(seen.sort(), bytes.filter(place.passes).map(arrives).sort());
    });
  }

  test('in 15 places', () => {
    assert.equal(new Set(places.map(({ name }) => name)).size, 15);
  });
});
