import { constants } from 'node:os';

/** Calls `work` with each such signal from now on; what it throws ends the process like any fault. */
export function onSignal(signal: 'SIGHUP' | 'SIGUSR2', work: () => Promise<void>): void {
  process.on(signal, () => void work());
}

const STOPPING = ['SIGTERM', 'SIGINT'] as const;

/**
 * Resolves with the first SIGTERM or SIGINT, both of which are listened for from now on; a second one ends the
 * process at once, with the code of its signal. @param onSecond what else must end then.
 */
export function stopSignal(onSecond: () => void = () => {}): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (seen) {
        onSecond();
        process.exit(128 + constants.signals[signal]);
      }
      seen = true;
      resolve(signal);
    };
    for (const name of STOPPING) process.on(name, onSignal);
  });
}
