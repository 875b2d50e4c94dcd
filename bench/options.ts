import { parseArgs } from 'node:util';

/** The standard number of rounds, enough for a median. */
const FULL_ROUNDS = 5;
/** Seconds; in less, the 10 ms steps of /proc and the first cold moments show. */
const FULL_SECONDS = 3;

export interface Options {
  readonly scenarios: readonly string[];
  readonly gateways: readonly string[];
  /** Measures only this gateway, once with each of these numbers of processes and threads. */
  readonly processes: readonly Processes[];
  /** Another revision of this gateway to measure beside it. */
  readonly compare: string | undefined;
  readonly rounds: number;
  /** Duration of one measurement of a `cycle` scenario, and of the warm-up before the first one. */
  readonly seconds: number;
  /** 0: no warm-up. */
  readonly warmupSeconds: number;
  /** Part of a scenario's tokens that a `once` scenario uses; below 1 only in quick mode. */
  readonly share: number;
  readonly load: 'autocannon' | 'wrk';
  /** Whether gateway and load get CPUs of their own. */
  readonly pin: boolean;
  readonly quick: boolean;
  /** Folder for latest.json, latest.md and latest.svg. */
  readonly results: string | undefined;
  readonly writeReadme: boolean;
}

/** Worker processes, and verification threads of each. */
export interface Processes {
  readonly listeners: number;
  readonly verifiers: number;
}

export class UsageError extends Error {}

export const usage = `usage: npm run bench -- [options]
  --scenario A,B           only these scenarios
  --gateway A,B            only these gateways
  --processes AxB,CxD      portcullis alone: listeners x verifiers of each, such as 1x0,1x1,2x0
  --compare REV            another revision beside this one: a commit, a branch, HEAD~3
  --rounds N               rounds, interleaved over the gateways (default 5)
  --seconds N              length of one measurement (default 10)
  --load autocannon|wrk    load generator (default autocannon)
  --no-pin                 let the scheduler place gateway, generator and upstream
  --quick                  one short round of everything, to prove that the benchmark works
  --results DIR            where the results go (default bench/results)
  --write-readme           put the table into bench/README.md; only after a full run
`;

function list(name: string, text: string | undefined, known: readonly string[]): readonly string[] {
  if (text === undefined) return known;
  const names = text.split(',').filter((part) => part !== '');
  const unknown = names.filter((part) => !known.includes(part));
  if (names.length === 0 || unknown.length > 0) {
    throw new UsageError(`--${name}: ${unknown.join(', ') || 'nothing'} is not one of ${known.join(', ')}`);
  }
  return known.filter((part) => names.includes(part));
}

function number(name: string, text: string | undefined, standard: number, whole: boolean): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)) || (whole && !Number.isInteger(value))) {
    throw new UsageError(`--${name}: ${text} is not a ${whole ? 'whole ' : ''}number above 0`);
  }
  return value;
}

function processes(text: string | undefined): readonly Processes[] {
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const [, listeners, verifiers] = /^(\d{1,2})x(\d{1,2})$/.exec(part) ?? [];
    if (verifiers === undefined)
      throw new UsageError(`--processes: ${part} is not listeners x verifiers such as 2x1`);
    return { listeners: Number(listeners), verifiers: Number(verifiers) };
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        gateway: { type: 'string' },
        processes: { type: 'string' },
        compare: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        load: { type: 'string' },
        quick: { type: 'boolean', default: false },
        'no-pin': { type: 'boolean', default: false },
        results: { type: 'string' },
        'write-readme': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Options of the command line; throws a UsageError for unknown ones. */
export function parseOptions(
  args: readonly string[],
  known: { readonly scenarios: readonly string[]; readonly gateways: readonly string[] },
): Options {
  const values = parse(args);
  const { quick } = values;
  const load = values.load ?? 'autocannon';
  if (load !== 'autocannon' && load !== 'wrk') {
    throw new UsageError(`--load: ${load} is not one of autocannon, wrk`);
  }
  const seconds = number('seconds', values.seconds, quick ? 0.3 : 10, false);
  return {
    scenarios: list('scenario', values.scenario, known.scenarios),
    gateways: list('gateway', values.gateway, known.gateways),
    processes: processes(values.processes),
    compare: values.compare,
    rounds: number('rounds', values.rounds, quick ? 1 : FULL_ROUNDS, true),
    seconds,
    warmupSeconds: Math.min(seconds, quick ? 0 : 3),
    share: quick ? 0.02 : 1,
    load,
    pin: !values['no-pin'],
    quick,
    results: values.results,
    writeReadme: values['write-readme'],
  };
}

/** Whether a run may stand in the README: all scenarios, at full length, the standard number of times. */
export function isFullRun(
  options: Options,
  known: { readonly scenarios: readonly string[]; readonly gateways: readonly string[] },
): boolean {
  return (
    !options.quick &&
    options.rounds >= FULL_ROUNDS &&
    options.seconds >= FULL_SECONDS &&
    options.processes.length === 0 &&
    options.compare === undefined &&
    options.scenarios.length === known.scenarios.length &&
    options.gateways.length === known.gateways.length
  );
}
