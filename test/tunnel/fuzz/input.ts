import { Buffer } from 'node:buffer';
import { tokensOf } from '../../support/fuzz/mutate.ts';

/** The bytes of one side of a WebSocket. */
export interface Input {
  readonly bytes: Buffer;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const text = '\x81\x05hello';
const masked = '\x81\x85\x01\x02\x03\x04igohn';
const medium = `\x82\x7e\x00\x80${'m'.repeat(128)}`;
const long = `\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x90${'l'.repeat(144)}`;
const close = '\x88\x02\x03\xe8';

const rows: readonly string[] = [
  text,
  masked,
  `${text}${masked}${text}`,
  medium,
  `${medium}\x82\xfe\x00\x7e\x01\x02\x03\x04${'k'.repeat(126)}`,
  long,
  // Longer forms than the lengths need.
  `\x81\x7e\x00\x05hello\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello\x82\x7e\x00\x00`,
  // A message in fragments, with a ping between them.
  `\x01\x03abc\x89\x02hi\x00\x02de\x80\x01f`,
  // Reserved bits and opcodes.
  `\xf1\x01a\x83\x01b\x8f\x01c`,
  // A control frame that is too long, and a ping without a payload.
  `\x89\x7e\x00\x7e${'p'.repeat(126)}\x8a\x00`,
  `${text}${close}`,
  `${close}${text}`,
  `${text}\x88\x82\x01\x02\x03\x04\x02\xea`,
  // Lengths that no connection sees the end of: of 31 bits, over 2^53, and of 64.
  `${text}\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xffabc`,
  `${text}\x82\x7f\x00\x20\x00\x00\x00\x00\x00\x01abc`,
  `\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff${text}`,
  // Half a header, half a payload.
  `${text}\x82`,
  `${text}\x82\x7e\x01`,
  `${text}\x82\x20abc`,
  '',
];

/** What the mutations put in: whole frames, and headers of each form. */
export const tokens = tokensOf([
  text,
  masked,
  close,
  '\x88',
  '\x88\x00',
  '\x89\x00',
  '\x81\x00',
  '\x00\x01a',
  '\x82\x7d',
  '\x82\x7e\x00\x03',
  '\x82\x7e\x00\x03abc',
  '\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x03abc',
  '\x82\xff\x00\x00\x00\x00\x00\x00\x00\x03abcdxyz',
  '\x82\x7f\x00\x20\x00\x00\x00\x00\x00\x00',
  '\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff',
]);

export function rowInputs(): Input[] {
  return rows.map((row) => ({ bytes: latin1(row) }));
}
