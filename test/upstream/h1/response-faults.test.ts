import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseFault } from '../../../src/upstream/h1/response-parser.ts';
import { rows } from './response-rows.ts';

/** Every fault of the parser; the compiler keeps the list complete. */
const faults: Readonly<Record<Exclude<ResponseFault, 'interrupted'>, true>> = {
  bare_cr: true,
  bare_lf: true,
  chunk_end: true,
  chunk_extension: true,
  chunk_size: true,
  chunked_in_http_1_0: true,
  connection_options: true,
  content_length: true,
  folded_line: true,
  head_too_large: true,
  header_count: true,
  header_name: true,
  header_value: true,
  http_version: true,
  interim_body: true,
  length_and_chunked: true,
  status_code: true,
  status_line: true,
  trailer_too_large: true,
  transfer_encoding: true,
  tunnel: true,
  two_lengths: true,
  two_transfer_encodings: true,
  upgrade: true,
};

test('every fault has a row', () => {
  const shown = new Set(rows.flatMap(({ outcome }) => outcome.fault ?? []));
  assert.deepEqual([...shown].sort(), Object.keys(faults).sort());
});
