import { constants } from 'node:os';

/** Calls `reload` with each SIGHUP from now on; what it throws ends the process like any fault. */
export function onReloadSignal(reload: () => Promise<void>): void {
  process.on('SIGHUP', () => void reload());
}

const STOPPING = ['SIGTERM', 'SIGINT'] as const;

/**
 * Resolves with the first SIGTERM or SIGINT, both of which are listened for from now on; a second one ends the
 * process at once, with the code of its signal.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (seen) process.exit(128 + constants.signals[signal]);
      seen = true;
      resolve(signal);
    };
    for (const name of STOPPING) process.on(name, onSignal);
  });
}
