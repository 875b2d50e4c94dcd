import assert from 'node:assert/strict';
import { askPlayback } from '../node-client.ts';
import type { Outcome } from '../response-row.ts';
import type { Input } from './input.ts';

/** Hop-by-hop headers, and those about framing or set by the front; they do not reach the client. */
const dropped = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Deliberate differences: messages that Node refuses and the gateway carries, by their bytes. */
const refusedByNode: readonly (readonly [what: string, where: RegExp])[] = [
  ['white space behind a chunk size', /\n[0-9a-f]+[\t ]+[;\r]/i],
  [
    'equal lengths, which are sent on as one',
    /\ncontent-length:[\t ]*([0-9]+)(?:[\t ]*,[^\r]*|[\t ]*\r\n(?:[^\r]+\r\n)*content-length:[\t ]*)\1/i,
  ],
  [
    'a framing header in a trailer, which is dropped',
    /\n0+(?:;[^\r]*)?\r\n(?:[^\r]+\r\n)*(?:content-length|transfer-encoding):/i,
  ],
  ['a chunk extension that breaks the grammar, which is dropped', /\n[0-9a-f]+;/i],
  ['a tab behind a length', /\ncontent-length:[\t ]*[0-9]+ *\t[\t ]*\r/i],
  ['an interim response that Node takes for the last one', /(?:^|\n)HTTP\/1\.[01] 1\d\d/],
];

/** The headers that should reach the client, derived from llhttp's reading. */
function kept(rawHeaders: readonly string[]): string {
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] as string, rawHeaders[at + 1] as string]);
  const named = new Set(dropped);
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const option of value.split(',').map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ''))) {
      if (option === '') continue;
      // After text that is no token, nothing is known.
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(option)) break;
      named.add(option.toLowerCase());
    }
  }
  return pairs
    .filter(([name]) => !named.has(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\r\n');
}

/**
 * Throws when llhttp reads another message than the gateway. Returns the name of a deliberate difference if there is
 * one.
 */
export async function agree({ method, bytes }: Input, outcome: Outcome): Promise<string | undefined> {
  // A message that the gateway refuses reaches no other parser.
  if (outcome.fault !== undefined || outcome.status === undefined) return undefined;
  const end = bytes.length - outcome.excess.length;
  const seen = await askPlayback(method, bytes.subarray(0, end));
  if (!outcome.complete) {
    assert.notEqual(seen?.complete, true, 'llhttp sees an end where we see none');
    return undefined;
  }
  if (seen?.complete !== true) {
    const text = bytes.toString('latin1', 0, end);
    const difference = refusedByNode.find(([, where]) => where.test(text));
    assert.ok(difference !== undefined, 'llhttp refuses what we carry');
    return difference[0];
  }
  assert.equal(seen.status, outcome.status);
  assert.equal(kept(seen.rawHeaders), outcome.headers);
  assert.equal(seen.body, outcome.body);
  if (outcome.framing !== 'close') {
    const shorter = await askPlayback(method, bytes.subarray(0, end - 1));
    assert.notEqual(shorter?.complete, true, 'llhttp sees the end one byte earlier');
  }
  return undefined;
}
