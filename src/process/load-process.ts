import { fork } from 'node:child_process';
import type { LoadResult } from '../config/load.ts';
import { freeze } from '../lib/freeze.ts';
import { StartError } from '../lib/start-error.ts';
import { processEnvironment } from './process-environment.ts';

/** Milliseconds for a check: a hundred times what a large file takes, and below every watchdog. */
const CHECK_LIMIT_MS = 10_000;

/** MiB of heap: many times what the largest file takes. */
const HEAP_MIB = 512;

export interface LoadTask {
  /** The command that this process was started with. */
  readonly program: string;
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** Listeners of the gateway that reads its configuration again. */
  readonly running?: number | undefined;
  readonly limitMs?: number;
}

/** What the child is told; the environment goes this way, because what stands in it may be secret. */
export interface LoadRequest {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly running: number | undefined;
}

/** What the child answers: what `loadConfig` gives, or the message of a StartError. */
export type LoadOutcome = LoadResult | { readonly unavailable: string };

/**
 * Reads a configuration file and everything it names in a process of its own, so that no file can make this one deaf.
 * Variables of the file come from `env`. The child is ended when its time is over.
 * @returns what `loadConfig` would.
 * @throws StartError when the file cannot be read, the check takes longer than `limitMs`, or its process fails.
 */
export function loadInOwnProcess(task: LoadTask): Promise<LoadResult> {
  const { program, file, env, running, limitMs = CHECK_LIMIT_MS } = task;
  return new Promise((resolve, reject) => {
    const child = fork(program, ['load'], {
      env: processEnvironment(env),
      execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MIB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    child.once('message', (answer: LoadOutcome) => {
      if ('unavailable' in answer) reject(new StartError(answer.unavailable));
      else resolve(freeze(answer));
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new StartError(`the configuration ${file} could not be checked`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const why = late
        ? `its check took longer than ${limitMs} ms`
        : `its check ended with ${signal ?? code}`;
      // Without effect behind an answer.
      reject(new StartError(`the configuration ${file} was not read: ${why}`));
    });
    const order: LoadRequest = { file, env, running };
    child.send(order, (error) => {
      if (error !== null) child.kill('SIGKILL'); // Its end is told by `exit`.
    });
  });
}
