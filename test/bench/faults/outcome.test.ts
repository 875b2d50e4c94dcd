import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BROKEN_OFF, UNANSWERED } from '../../../bench/faults/messages.ts';
import { type Notes, outcomeOf } from '../../../bench/faults/outcome.ts';

const BROKEN = 1;
const BROKEN_AT = 2_000;
const MENDED_AT = 4_000;

interface Request {
  readonly start: number;
  readonly end?: number;
  readonly status?: number;
  /** The server that responded. */
  readonly server?: number;
  /** Servers that got it, and when. */
  readonly got?: readonly (readonly [server: number, at: number])[];
}

function notesOf(requests: readonly Request[], rest: Partial<Notes> = {}): Notes {
  return {
    log: {
      start: requests.map(({ start }) => start),
      end: requests.map(({ start, end = start + 10 }) => end),
      status: requests.map(({ status = 200 }) => status),
      server: requests.map(({ server = -1 }) => server),
    },
    arrivals: [0, 1, 2].map((server) => {
      const got = requests.flatMap(({ got = [] }, request) =>
        got.filter(([by]) => by === server).map(([, at]) => ({ request, at })),
      );
      return { requests: got.map(({ request }) => request), at: got.map(({ at }) => at) };
    }),
    first: 0,
    broken: BROKEN,
    brokenAt: BROKEN_AT,
    mendedAt: MENDED_AT,
    ...rest,
  };
}

describe('the outcome of a fault', () => {
  it('tells requests that were under way on the broken server from later ones and from those of others', () => {
    const { failed, statuses, requests } = outcomeOf(
      notesOf([
        { start: 0 },
        { start: 1_995, end: 2_005, status: BROKEN_OFF, got: [[BROKEN, 1_996]] },
        { start: 1_996, end: 2_005, status: 502 },
        { start: 1_000, end: 1_500, status: 503 },
        { start: 1_997, end: 2_005, status: 502, got: [[0, 1_998]] },
        { start: 2_500, status: 504, got: [[BROKEN, 2_501]] },
        { start: 2_600, end: 0, status: UNANSWERED },
        {
          start: 2_700,
          status: 502,
          got: [
            [BROKEN, 2_701],
            [2, 2_702],
          ],
        },
        { start: 4_500 },
      ]),
    );
    assert.deepEqual(failed, { underWay: 2, later: 2, elsewhere: 3 });
    assert.deepEqual(statuses, { [UNANSWERED]: 1, [BROKEN_OFF]: 1, 502: 3, 503: 1, 504: 1 });
    assert.equal(requests, 4);
  });

  it('finds the last request to the broken server by what it got, by what failed, and by the count of the gateway', () => {
    const before: Request = { start: 0 };
    const arrived: Request = { start: 2_300, server: 0, got: [[BROKEN, 2_301]] };
    const failed: Request = { start: 2_400, status: 504 };
    assert.equal(outcomeOf(notesOf([before])).shareMs, 0);
    assert.equal(outcomeOf(notesOf([before, arrived])).shareMs, 301);
    assert.equal(outcomeOf(notesOf([before, arrived, failed])).shareMs, 400);
    assert.equal(outcomeOf(notesOf([before, arrived, failed], { lastAttemptAt: 2_450 })).shareMs, 450);
  });

  it('counts what a stopped server reads later by the time when it was sent', () => {
    const late: Request = { start: 2_900, server: BROKEN, got: [[BROKEN, 4_001]] };
    const fresh: Request = { start: 4_300, server: BROKEN, got: [[BROKEN, 4_302]] };
    const outcome = outcomeOf(notesOf([{ start: 0 }, late, fresh]));
    assert.equal(outcome.shareMs, 900);
    assert.equal(outcome.againMs, 302);
    assert.equal(outcomeOf(notesOf([{ start: 0 }, late])).againMs, undefined);
  });

  it('compares latencies of the other servers alone', () => {
    const outcome = outcomeOf(
      notesOf([
        { start: 0, end: 900, server: 0 },
        { start: 1_000, end: 1_020, server: 0 },
        { start: 1_100, end: 1_500, server: BROKEN },
        { start: 2_100, end: 2_130, server: 2 },
        { start: 2_200, end: 3_200, server: BROKEN },
        { start: 2_200, end: 3_200, server: 2, status: 502 },
        { start: 4_200, end: 4_800, server: 2 },
      ]),
    );
    assert.equal(Math.round(outcome.p99Before), 20);
    assert.equal(Math.round(outcome.p99During), 30);
  });
});
