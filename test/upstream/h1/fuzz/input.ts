import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rows } from '../response-rows.ts';

/** Bytes of a row above which it is too slow to be a good start. */
const MAX_ROW = 2000;

/** The method of a request, and the bytes of the response to it. */
export interface Input {
  readonly method: 'GET' | 'HEAD';
  readonly bytes: Buffer;
}

/** The rows that tests name explicitly. */
export function rowInputs(): Input[] {
  return rows
    .filter((row) => row.method !== 'CONNECT' && row.bytes.length <= MAX_ROW)
    .map((row) => ({
      method: row.method === 'HEAD' ? 'HEAD' : 'GET',
      bytes: Buffer.from(row.bytes, 'latin1'),
    }));
}

/** The inputs of a folder: files of raw bytes, named `get-….bin` and `head-….bin` after the method. */
export function keptInputs(folder: string): (Input & { readonly name: string })[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => ({
      name,
      method: name.startsWith('head-') ? 'HEAD' : 'GET',
      bytes: readFileSync(join(folder, name)),
    }));
}
