import { constants } from 'node:os';

type Asking = 'SIGHUP' | 'SIGUSR2';

/** Takes note of such signals until the result is called: then who listens by then gets those that came, each once. */
export function holdSignals(): () => void {
  const seen = new Set<Asking>();
  const hold = (signal: NodeJS.Signals): void => void seen.add(signal as Asking);
  for (const name of ['SIGHUP', 'SIGUSR2'] as const) process.on(name, hold);
  return () => {
    for (const name of ['SIGHUP', 'SIGUSR2'] as const) process.off(name, hold);
    for (const name of seen) process.emit(name, name);
  };
}

/** Calls `work` with each such signal from now on; what it throws ends the process like any fault. */
export function onSignal(signal: Asking, work: () => Promise<void>): void {
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
