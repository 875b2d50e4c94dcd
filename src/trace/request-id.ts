import { randomHex } from '../lib/random-hex.ts';

/** Hexadecimal digits of 48 bits. */
const TIME_DIGITS = 12;
/** The first digit of the fourth group, whose upper two bits are the variant (RFC 9562 §4.1). */
const VARIANT = '89ab';

let lastTime = -1;
let lastDigits = '';

/** A UUID of version 7 (RFC 9562 §5.7): milliseconds since the epoch, then 74 random bits. */
export function newRequestId(now: number): string {
  const time = Math.floor(now);
  if (time !== lastTime) {
    lastTime = time;
    const digits = time.toString(16).padStart(TIME_DIGITS, '0');
    lastDigits = `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
  }
  const random = randomHex(10);
  const variant = VARIANT[random.charCodeAt(19) & 3] as string;
  return `${lastDigits}${random.slice(0, 3)}-${variant}${random.slice(3, 6)}-${random.slice(6, 18)}`;
}

/**
 * Ids of other programs: UUIDs, ULIDs, X-Request-Id of nginx, the id of a load balancer (`Root=1-67891233-abcdef`). They go
 * into logs and URLs of log viewers, so nothing else passes.
 */
const GIVEN = /^[0-9A-Za-z][0-9A-Za-z._:=;+/@-]{7,127}$/;

/** Whether an id that a peer sent may be used: 8 to 128 letters, digits and `._:=;+/@-`. */
export function isRequestId(text: string): boolean {
  return GIVEN.test(text);
}
