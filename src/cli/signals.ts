import { constants } from 'node:os';

/** Without a handler each of them ends the process, or with SIGUSR1 starts the inspector of Node.js. */
const ASKING = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
type Asking = (typeof ASKING)[number];

/** Holds SIGHUP, SIGUSR1 and SIGUSR2 back until the result is called. It then delivers each signal once, if it has arrived. */
export function holdSignals(): () => void {
  const seen = new Set<Asking>();
  const hold = (signal: NodeJS.Signals): void => void seen.add(signal as Asking);
  for (const name of ASKING) process.on(name, hold);
  return () => {
    for (const name of ASKING) process.off(name, hold);
    for (const name of seen) process.emit(name, name);
  };
}

/** Calls `work` for each of these signals from now on. An error of `work` ends the process, as any fault does. */
export function onSignal(signal: Asking, work: () => Promise<void>): void {
  process.on(signal, () => void work());
}

const STOPPING = ['SIGTERM', 'SIGINT'] as const;

/**
 * Resolves with the first SIGTERM or SIGINT from now on. A second signal ends the process at once, with its own code.
 * @param onSecond called before that.
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
