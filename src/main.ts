#!/usr/bin/env node
import { exitCodes } from './cli/exit-code.ts';
import { run } from './cli/run.ts';

function fail(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`portcullis: internal fault: ${text}\n`, () => process.exit(exitCodes.internal));
}

// A reader may close the pipe early, as `head` does.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// Without a handler Node.js opens the port of its inspector. `start` and its processes do something at this signal.
process.on('SIGUSR1', () => {});

try {
  const code = await run(process.argv.slice(2));
  // Exits only after all output has been handed over, so that a slow reader gets it whole.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
} catch (error) {
  fail(error);
}
