import { fork } from 'node:child_process';
import type { TrafficAddress } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import type { Renewal } from '../config/renew.ts';
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

export interface RenewTask {
  /** As for `LoadTask`. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly listen: readonly TrafficAddress[];
  readonly limitMs?: number;
}

/** The request to the process. The environment and the private keys are part of it, because they are secret. */
export type LoadRequest =
  | {
      readonly kind: 'configuration';
      readonly file: string;
      readonly env: NodeJS.ProcessEnv;
      readonly running: number | undefined;
    }
  | { readonly kind: 'certificates'; readonly listen: readonly TrafficAddress[] };

/** The response of the process: what the function for the request returns, or the message of a StartError. */
export type LoadOutcome = LoadResult | Renewal | { readonly unavailable: string };

/**
 * Reads a configuration file and everything it names in a process of its own, so that no file can block this process.
 * Variables of the file come from `env`. The process is killed when its time is over.
 * @returns the result of `loadConfig`.
 * @throws StartError when the file cannot be read, the check takes longer than `limitMs`, or its process fails.
 */
export function loadInOwnProcess(task: LoadTask): Promise<LoadResult> {
  const { program, file, env, running, limitMs } = task;
  const request: LoadRequest = { kind: 'configuration', file, env, running };
  return inOwnProcess<LoadResult>(request, `the configuration ${file}`, { program, env, limitMs });
}

/** The same for `renewCertificates`. @throws StartError */
export function renewInOwnProcess({ program, env, listen, limitMs }: RenewTask): Promise<Renewal> {
  const request: LoadRequest = { kind: 'certificates', listen };
  return inOwnProcess<Renewal>(request, 'what the certificate files hold', { program, env, limitMs });
}

interface OwnProcess {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number | undefined;
}

/** @param what the subject of error messages. */
function inOwnProcess<Result extends object>(
  request: LoadRequest,
  what: string,
  { program, env, limitMs = CHECK_LIMIT_MS }: OwnProcess,
): Promise<Result> {
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
    child.once('message', (outcome: Result | { readonly unavailable: string }) => {
      if ('unavailable' in outcome) reject(new StartError(outcome.unavailable));
      else resolve(freeze(outcome));
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new StartError(`${what} could not be checked`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const why = late
        ? `its check took longer than ${limitMs} ms`
        : `its check ended with ${signal ?? code}`;
      // Has no effect after a response.
      reject(new StartError(`${what} was not read: ${why}`));
    });
    child.send(request, (error) => {
      if (error !== null) child.kill('SIGKILL'); // `exit` follows.
    });
  });
}
