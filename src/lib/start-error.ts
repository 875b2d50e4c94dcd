/** Something outside the gateway is not available: a port, a file, the front engine. One sentence with the remedy. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
