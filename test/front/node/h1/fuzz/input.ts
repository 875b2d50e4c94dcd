import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bodies } from '../request-body-rows.ts';
import { heads } from '../request-head-rows.ts';

/** Bytes of a row above which it is too slow to be a good start. */
const MAX_ROW = 1000;

/** The bytes of a client. */
export interface Input {
  readonly bytes: Buffer;
}

/** The rows that tests name by hand, but those that are refused: what comes of these is mostly refused early. */
export function rowInputs(): Input[] {
  return [...heads, ...bodies]
    .filter((row) => row.fault === undefined && row.bytes.length <= MAX_ROW)
    .map((row) => ({ bytes: Buffer.from(row.bytes, 'latin1') }));
}

/** What a folder keeps: files of bare bytes, named `client-….bin`. */
export function keptInputs(folder: string): (Input & { readonly name: string })[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}
