import { randomBytes } from 'node:crypto';

/** Bytes drawn at once: a call of the generator costs as much as some hundred bytes of it. */
const POOL_BYTES = 4096;

let digits = '';
let used = 0;

/** Random bytes of the system's generator as hexadecimal digits in lower case. @param bytes up to 64. */
export function randomHex(bytes: number): string {
  const end = used + 2 * bytes;
  if (end <= digits.length) {
    const text = digits.slice(used, end);
    used = end;
    return text;
  }
  digits = randomBytes(POOL_BYTES).toString('hex');
  used = 2 * bytes;
  return digits.slice(0, used);
}
