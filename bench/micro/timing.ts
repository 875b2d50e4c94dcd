/** Rounds of each measurement; the first is thrown away. */
const ROUNDS = 7;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints nanoseconds per call of `work`, as median (min–max) of the rounds, and the multiple of the baseline. */
export function compare(title: string, calls: number, works: Readonly<Record<string, () => number>>): void {
  say(title);
  const times = new Map(Object.keys(works).map((name) => [name, [] as number[]]));
  let checksum = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < calls; call += 1) checksum += work();
      const nanos = Number(process.hrtime.bigint() - start) / calls;
      if (round > 0) times.get(name)?.push(nanos);
    }
  }
  let baseline: number | undefined;
  for (const [name, list] of times) {
    const [least, median, most] = spreadOf(list);
    baseline ??= median;
    say(
      `  ${name.padEnd(44)} ${median.toFixed(0).padStart(6)} (${least.toFixed(0)}–${most.toFixed(0)}) ns, ${(median / baseline).toFixed(2)} ×`,
    );
  }
  // The compiler may omit work whose result is not used.
  if (Number.isNaN(checksum)) throw new Error('a measurement gave no number');
}

function spreadOf(list: readonly number[]): readonly [number, number, number] {
  const sorted = [...list].sort((a, b) => a - b);
  return [sorted[0] as number, sorted[sorted.length >> 1] as number, sorted.at(-1) as number];
}
