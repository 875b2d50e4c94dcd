/** Something outside the gateway is missing: a port, a file, the front engine. The message is a sentence with the remedy. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
