#!/usr/bin/env node
import { exitCodes } from './cli/exit-code.ts';
import { run } from './cli/run.ts';

function fail(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`portcullis: internal fault: ${text}\n`, () => process.exit(exitCodes.internal));
}

// A reader that closes the pipe early, such as `head`, is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  const code = await run(process.argv.slice(2));
  // Leave only when what was printed has been handed over; a slow reader of either gets it whole.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
} catch (error) {
  fail(error);
}
