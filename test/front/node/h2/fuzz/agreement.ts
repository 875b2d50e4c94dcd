import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { frame, framesIn, PREFACE, settings, settingsAck, types } from '../frames.ts';
import { linesOf, type Outcome } from './player.ts';

interface Seen {
  readonly stream: number;
  readonly raw: readonly string[];
  readonly body: string;
}

/** Milliseconds after which requests that nghttp2 has not seen will not be seen. */
const LOST_MS = 5_000;

/** Plays these bytes, behind a greeting, to node:http2, and with it to nghttp2, until it has seen as many requests. */
function playToNode(bytes: Uint8Array, wanted: number): Promise<readonly Seen[]> {
  return new Promise((resolve) => {
    const seen: Seen[] = [];
    const client = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const server = createServer({ settings: { maxConcurrentStreams: 128, maxHeaderListSize: 16_384 } });
    const timer = setTimeout(() => client.destroy(), LOST_MS);
    server.on('sessionError', () => client.destroy());
    server.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
        const pieces: Buffer[] = [];
        stream.on('error', () => {});
        stream.on('data', (piece: Buffer) => pieces.push(piece));
        stream.on('end', () => {
          seen.push({ stream: stream.id ?? 0, raw, body: Buffer.concat(pieces).toString('latin1') });
          if (!stream.destroyed) stream.respond({}, { endStream: true });
          if (seen.length === wanted) client.destroy();
        });
      },
    );
    client.on('close', () => {
      clearTimeout(timer);
      server.close();
      resolve(seen);
    });
    server.emit('connection', client);
    client.push(Buffer.concat([PREFACE, settings(), settingsAck, bytes]));
  });
}

/** Types of the frames that make requests. */
const ofRequests: ReadonlySet<number> = new Set([types.headers, types.continuation, types.data]);

/**
 * The frames that make requests, without the part of a frame or of a field block that nghttp2 may judge already while our
 * side waits for the rest. The effect of other frames depends on when responses are sent.
 */
function requestsIn(bytes: Buffer): Buffer {
  const played = framesIn(bytes).frames.filter(({ type }) => ofRequests.has(type));
  const last = played.findLastIndex(({ type, flags }) => type === types.data || (flags & 0x4) !== 0);
  return Buffer.concat(
    played.slice(0, last + 1).map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload)),
  );
}

/** Throws when nghttp2 has not read each whole request as our side did. */
export async function agree(bytes: Buffer, { messages }: Outcome): Promise<void> {
  const seen = await playToNode(requestsIn(bytes), messages.length);
  for (const { stream, method, target, fields, host, body } of messages) {
    const other = seen.find((one) => one.stream === stream);
    assert.ok(other !== undefined, `nghttp2 sees no request on stream ${stream}`);
    const names = other.raw.filter((_, at) => at % 2 === 0);
    const values = other.raw.filter((_, at) => at % 2 === 1);
    const pseudo = (name: string): string | undefined => values[names.indexOf(name)];
    assert.equal(pseudo(':method'), method);
    assert.equal(pseudo(':path'), target);
    assert.equal(pseudo(':authority') ?? pseudo('host'), host);
    const kept = names.map((name, at) => [name, values[at] ?? ''] as const);
    const rest = kept.filter(([name]) => !name.startsWith(':') && name !== 'host');
    assert.equal(joined(rest), fields);
    assert.equal(other.body, body);
  }
}

/** The fields as lines, cookies in one where the first of them stood. */
function joined(fields: readonly (readonly [string, string])[]): string {
  const first = fields.findIndex(([name]) => name === 'cookie');
  const cookies = fields.filter(([name]) => name === 'cookie').map(([, value]) => value);
  const kept = fields.filter(([name], at) => name !== 'cookie' || at === first);
  return linesOf(
    kept.map(([name]) => name),
    kept.map(([name, value]) => (name === 'cookie' ? cookies.join('; ') : value)),
  );
}
