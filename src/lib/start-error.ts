/** Something outside the gateway is missing: a port, a file, the front engine. The message is a sentence with the remedy. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** The cause of a failure as one text: the message of a StartError; for any other error, that the fault is ours. */
export function failureText(error: unknown): string {
  return error instanceof StartError ? error.message : `a fault of ours: ${String(error)}`;
}
