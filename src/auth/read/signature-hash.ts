/**
 * A number below `size`, a power of two up to 2^20, from the characters near a token's end: six random bits each,
 * because that is where its signature stands. The maker of a forged token chooses them, so it may only ever find
 * things that are then compared as a whole.
 */
export function signatureSlot(text: string, size: number): number {
  const end = text.length; // The very last character holds fewer bits.
  return (
    (text.charCodeAt(end - 2) ^
      (text.charCodeAt(end - 3) << 5) ^
      (text.charCodeAt(end - 4) << 10) ^
      (text.charCodeAt(end - 5) << 15)) &
    (size - 1)
  );
}

/** 30 bits from the characters before those of `signatureSlot`, under the same warning: equal marks prove nothing. */
export function signatureMark(text: string): number {
  const end = text.length - 6;
  return (
    (text.charCodeAt(end) ^
      (text.charCodeAt(end - 1) << 6) ^
      (text.charCodeAt(end - 2) << 12) ^
      (text.charCodeAt(end - 3) << 18) ^
      (text.charCodeAt(end - 4) << 24)) >>>
    0
  );
}
