// Source: an adversarial review, what held: odd targets, two Host fields and LF alone, cut at every byte.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eightBits, fields, hosts } from '../conformance/request-field-rows.ts';
import { methods, targets, versions } from '../conformance/request-line-rows.ts';
import type { Row } from '../conformance/request-row.ts';
import { bareForward, eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
let seen: string[] = [];

publicGateway(
  'once',
  (made) => {
    ({ origin, gateway } = made);
    origin.serve((text) => {
      seen.push(text);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    });
  },
  { routes: [{ forward: bareForward, auth: 'none' }] },
);

/** Lets the gateway, which is in this process too, read the sent bytes, so that later ones are another read. */
async function turn(): Promise<void> {
  for (let left = 2; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The response as a row names it. */
function outcomeOf(text: string): string {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const word = /"code":"(\w+)"/.exec(body)?.[1] ?? (body.includes('<h1>') ? 'page' : '');
  return `${head.slice(9, 12)} ${word}`.trim();
}

/**
 * The result of the two parts. The engine may reply to the first one, or end the connection, before it has the rest.
 * @param closes the connection ends behind any response.
 */
async function cutAt(
  bytes: string,
  at: number,
  closes: boolean,
): Promise<[response: string, closed: boolean]> {
  const wire = await Wire.open(gateway.port);
  wire.send(bytes.slice(0, at));
  await turn();
  if (!wire.closed) wire.send(bytes.slice(at));
  await eventually(
    () => wire.closed || wire.pending.includes('\r\n\r\n'),
    (responded) => responded,
  );
  const word = outcomeOf(wire.pending);
  // A refusal closes, perhaps after the reply.
  if (closes || !word.startsWith('2')) await eventually(() => wire.closed, Boolean);
  const { closed } = wire;
  wire.close();
  return [word, closed];
}

const rows: readonly Row[] = [methods, targets, versions, fields, eightBits, hosts]
  .flat()
  .filter(({ end, pieces, gateway: at }) => end !== 'waiting' && pieces.length === 1 && at === 'open');

describe('a request has the same meaning with a cut in any place', () => {
  for (const row of rows) {
    test(row.name, async () => {
      const bytes = row.pieces[0] as string;
      seen = [];
      const cuts = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
      const outcomes = await Promise.all(cuts.map((at) => cutAt(bytes, at, row.end === 'closed')));
      for (const [index, outcome] of outcomes.entries()) {
        assert.deepEqual(outcome, [row.responses[0], row.end === 'closed'], `cut at ${cuts[index]}`);
      }
      const wanted = row.upstream.flatMap((text) => cuts.map(() => text));
      assert.deepEqual(seen, wanted);
    });
  }

  test('there are rows of each kind', () => {
    assert.ok(rows.filter(({ upstream }) => upstream.length > 0).length > 15);
    assert.ok(rows.filter(({ upstream }) => upstream.length === 0).length > 60);
  });
});
