import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { playToNode, type SeenRequest } from './node-server.ts';
import { linesOf, type Message, type Outcome } from './request-player.ts';

const known: ReadonlySet<string> = new Set(METHODS);
/** Stands for a method that Node does not know; with it a body is as usual as without. */
const STAND_IN = 'PUT';

/**
 * Throws when llhttp reads a whole message in another way than our reader did, or finds its end elsewhere. A request that
 * our reader refused, in its head or in its body, goes on to no other parser.
 * @param bytes those of the connection of which the outcome came.
 */
export async function agree(bytes: Buffer, { messages, fault }: Outcome): Promise<void> {
  let start = 0;
  for (const message of messages) {
    if (!message.complete) {
      if (fault !== undefined) return;
      const part = await playToNode(readable(bytes.subarray(start), message));
      assert.ok(!part.requests[0]?.complete, 'llhttp sees an end where we see none');
      return;
    }
    const own = readable(bytes.subarray(start, message.end), message);
    start = message.end;
    const { requests, refused } = await playToNode(own);
    assert.ok(!refused, 'llhttp refuses what we accept');
    assert.equal(requests.length, 1);
    const [seen] = requests as [SeenRequest];
    assert.ok(seen.complete, 'llhttp sees no end where we see one');
    compare(message, seen);
    const shorter = await playToNode(own.subarray(0, -1));
    assert.ok(!shorter.requests[0]?.complete, 'llhttp sees the end one byte earlier');
  }
}

/** The bytes with a method that Node knows. */
function readable(bytes: Buffer, message: Message): Buffer {
  const [method = ''] = message.line.split(' ', 1);
  if (known.has(method)) return bytes;
  const start = bytes.indexOf(method, 0, 'latin1');
  return Buffer.concat([
    bytes.subarray(0, start),
    Buffer.from(STAND_IN, 'latin1'),
    bytes.subarray(start + method.length),
  ]);
}

function compare(message: Message, seen: SeenRequest): void {
  const [method = '', target = '', version] = message.line.split(' ');
  assert.equal(seen.method, known.has(method) ? method : STAND_IN);
  assert.equal(`HTTP/${seen.version}`, version);
  let fields = linesFrom(seen.rawHeaders);
  if (message.targetScheme === undefined) assert.equal(seen.target, target);
  else {
    const url = new URL(seen.target);
    assert.equal(url.protocol, `${message.targetScheme}:`);
    const authority = /\/\/([^/?]*)/.exec(seen.target)?.[1] ?? '';
    assert.equal(authority.toLowerCase(), message.host.toLowerCase());
    assert.ok(seen.target.endsWith(target.replace(/^(?:\*$|\/)/, '')), `${seen.target} ends in ${target}`);
  }
  // HTTP/1.0 without Host takes it from the target, or from the address of the gateway.
  if (!/^host:/m.test(fields)) fields += `${fields === '' ? '' : '\n'}host: ${message.host}`;
  assert.equal(message.fields, fields);
  assert.equal(message.body, seen.body);
  assert.equal(message.trailers, linesFrom(seen.rawTrailers));
}

/** @param raw names and values in turns. */
function linesFrom(raw: readonly string[]): string {
  const names = raw.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return linesOf(
    names,
    raw.filter((_, at) => at % 2 === 1),
  );
}
