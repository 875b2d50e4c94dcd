/**
 * Key material cannot be used. The message completes the sentence `<file> …` and says what would be right. It never
 * holds key material.
 */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}
