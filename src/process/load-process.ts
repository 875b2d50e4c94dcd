import { fork } from 'node:child_process';
import type { LoadResult } from '../config/load.ts';
import { freeze } from '../lib/freeze.ts';
import { StartError } from '../lib/start-error.ts';
import { processEnvironment } from './process-environment.ts';

/** Milliseconds for a check: a hundred times what a large file takes, and less than any watchdog allows. */
const CHECK_LIMIT_MS = 10_000;

/** MiB of heap: many times what the largest file needs. */
const HEAP_MIB = 512;

export interface LoadTask {
  /** The command that this process was started with. */
  readonly program: string;
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** How many workers the gateway has that reads its configuration again. */
  readonly running?: number | undefined;
  readonly limitMs?: number;
}

/** The request to the process. The environment is part of it, because it may hold secrets. */
export interface LoadRequest {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly running: number | undefined;
}

/** The response of the process: the result of `loadConfig`, or the message of a StartError. */
export type LoadOutcome = LoadResult | { readonly unavailable: string };

/**
 * Reads a configuration file and everything it names in a process of its own, so that no file can block this process.
 * Variables of the file come from `env`. The process is killed when its time is over.
 * @returns the result of `loadConfig`.
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
    child.once('message', (outcome: LoadOutcome) => {
      if ('unavailable' in outcome) reject(new StartError(outcome.unavailable));
      else resolve(freeze(outcome));
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
      // Has no effect after a response.
      reject(new StartError(`the configuration ${file} was not read: ${why}`));
    });
    const request: LoadRequest = { file, env, running };
    child.send(request, (error) => {
      if (error !== null) child.kill('SIGKILL'); // `exit` follows.
    });
  });
}
