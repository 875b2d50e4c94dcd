import type { Candidate } from '../../../src/upstream/balance/balancer.ts';

/** A server whose load a test changes. */
export interface TestCandidate extends Candidate {
  load: number;
  full: boolean;
}

export function candidate(weight = 1, load = 0, full = false, text = '10.0.0.1:80'): TestCandidate {
  return { text, weight, load, full };
}

/** One server for each weight, all at addresses of their own and without load. */
export function candidates(weights: readonly number[]): TestCandidate[] {
  return weights.map((weight, index) =>
    candidate(weight, 0, false, `10.0.${index >> 8}.${index & 255}:8080`),
  );
}

/** Numbers from 0 below 1 that repeat with each run. */
export function repeatable(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
