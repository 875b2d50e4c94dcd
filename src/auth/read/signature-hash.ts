/**
 * A hash of the signature at a token's end, which has six random bits in each character. An attacker chooses the
 * signature of a forged token, so the caller must compare whole tokens.
 * @param size a power of two up to 2^20; the hash is below it.
 */
export function signatureSlot(text: string, size: number): number {
  // Without the last character, which holds fewer bits.
  const end = text.length;
  return (
    (text.charCodeAt(end - 2) ^
      (text.charCodeAt(end - 3) << 5) ^
      (text.charCodeAt(end - 4) << 10) ^
      (text.charCodeAt(end - 5) << 15)) &
    (size - 1)
  );
}

/** A hash of 30 bits from the characters before those of `signatureSlot`. Equal marks do not prove equal tokens. */
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
