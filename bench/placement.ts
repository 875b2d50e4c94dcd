import { readFileSync } from 'node:fs';
import { findProgram } from './programs.ts';

/** The gateway has CPUs of its own; the load generator and the upstream share the others. */
export type Side = 'gateway' | 'load';

/** CPU numbers of a list such as `0-2,8`. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last] = part.split('-').map(Number);
      if (first === undefined || !Number.isInteger(first)) throw new Error(`${text} is not a list of CPUs`);
      return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
    });
}

/**
 * The CPUs of each side. A free scheduler puts gateway and generator on one CPU in one round and apart in the next, and
 * a wake-up across CPUs costs several microseconds: more than the differences to be measured.
 */
export class Placement {
  readonly #cpus: Readonly<Record<Side, readonly number[]>> | undefined;

  private constructor(cpus: Readonly<Record<Side, readonly number[]>> | undefined) {
    this.#cpus = cpus;
  }

  /** Half of this process's CPUs for each side; neither is placed with only one, or without taskset. */
  static ofThisMachine(): Placement {
    const status = readFileSync('/proc/self/status', 'latin1');
    const cpus = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0');
    if (cpus.length < 2 || findProgram('taskset') === undefined) return new Placement(undefined);
    const half = Math.ceil(cpus.length / 2);
    return new Placement({ gateway: cpus.slice(0, half), load: cpus.slice(half) });
  }

  static none(): Placement {
    return new Placement(undefined);
  }

  /** The words to put before a command line. */
  prefix(side: Side): readonly string[] {
    if (this.#cpus === undefined) return [];
    return [findProgram('taskset') ?? 'taskset', '-c', this.#cpus[side].join(',')];
  }

  /** CPUs that generator and upstream share; undefined when they are not placed. */
  get loadCpus(): number | undefined {
    return this.#cpus?.load.length;
  }

  describe(): string {
    if (this.#cpus === undefined) return 'not pinned to CPUs';
    const { gateway, load } = this.#cpus;
    return `gateway on CPU ${gateway.join(',')}, generator and upstream on CPU ${load.join(',')}`;
  }
}
