/**
 * Key material that cannot be used. The message completes the sentence `<file> …` and says what would be right; it
 * never holds any of the material.
 */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}
