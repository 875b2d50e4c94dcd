import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { data, flags, get, getBlock, post, requestBlock, reset, windowUpdate } from '../client.ts';
import { frame, settings, types } from '../frames.ts';
import { indexed, literal, sizeUpdate } from '../hpack/reference-encoder.ts';

/** What a client sends behind its greeting. */
export interface Input {
  readonly bytes: Buffer;
}

const block = getBlock('/a?b', ['x-a', '1']);
const padded = Buffer.concat([Buffer.of(3), Buffer.from('abc'), Buffer.alloc(3)]);
const tabled = Buffer.concat([
  indexed(2),
  indexed(7),
  literal('incremental', 4, '/path', true),
  literal('incremental', 1, 'example.com', true),
  literal('never', 'authorization', 'Bearer x'),
]);

const rows: readonly (readonly Buffer[])[] = [
  [get(1)],
  [get(1), get(3, '/b', ['cookie', 'a=1'], ['cookie', 'b=2'])],
  [post(1), data(1, 'abc'), data(1, 'def', true)],
  [post(1, ['content-length', '6']), data(1, 'abcdef', true)],
  [post(1), frame(types.data, flags.padded | flags.endStream, 1, padded)],
  [post(1), data(1, 'x'), frame(types.headers, flags.end, 1, requestBlock([['x-t', '1']]))],
  [
    frame(types.headers, flags.endStream, 1, block.subarray(0, 5)),
    frame(types.continuation, 0, 1, block.subarray(5, 9)),
    frame(types.continuation, flags.endHeaders, 1, block.subarray(9)),
  ],
  [
    frame(types.headers, flags.end, 1, tabled),
    frame(types.headers, flags.end, 3, Buffer.concat([indexed(2), indexed(6), indexed(62), indexed(63)])),
  ],
  [frame(types.headers, flags.end, 1, Buffer.concat([sizeUpdate(0), sizeUpdate(100), tabled]))],
  [
    frame(
      types.headers,
      flags.end | flags.priority,
      1,
      Buffer.concat([Buffer.from('0000000310', 'hex'), block]),
    ),
  ],
  [
    settings([0x4, 10], [0x1, 0]),
    get(1),
    windowUpdate(1, 5),
    windowUpdate(0, 5),
    frame(types.ping, 0, 0, Buffer.alloc(8)),
  ],
  [post(1), reset(1), get(3), frame(types.priority, 0, 5, Buffer.from('0000000010', 'hex'))],
  [frame(0x55, 0, 0, Buffer.from('x')), get(1), frame(types.goaway, 0, 0, Buffer.alloc(8))],
  [get(1, '/', ['te', 'trailers'], ['host', 'a']), post(3, ['expect', '100-continue']), data(3, 'x', true)],
];

export function rowInputs(): Input[] {
  return rows.map((row) => ({ bytes: Buffer.concat(row) }));
}

/** What is likely to matter to a reader of frames: frames, pieces of blocks, and fields that requests must not have. */
export const tokens: readonly Buffer[] = [
  ...rows.flat(),
  ...[
    ':method',
    ':path',
    ':authority',
    ':scheme',
    'host',
    'cookie',
    'content-length',
    'transfer-encoding',
    'te',
  ].map((name) => literal('without', name, '1')),
  ...[1, 2, 4, 6, 38, 62, 63].map(indexed),
  ...[':x', 'X', ' ', '', 'x\n', 'connection'].map((name) => literal('incremental', name, 'y')),
  ...[' y', 'y\t', 'y\r\nz: 1', '\0', '\xff'].map((value) => literal('without', 'x', value)),
  settings([0x4, 0]),
  settings([0x4, 0x7fffffff]),
  windowUpdate(1, 0),
  windowUpdate(1, 0x7fffffff),
  Buffer.of(0, 0, 0),
  Buffer.of(0, 0, 1),
  Buffer.of(0, 0, 0, 1),
  Buffer.of(0, 0, 0, 3),
  Buffer.of(0x80, 0, 0, 0),
];

/** What a folder keeps: files of bare bytes, named `client-….bin`. */
export function keptInputs(folder: string): (Input & { readonly name: string })[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}
