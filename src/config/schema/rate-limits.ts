import { count, pattern, section } from './fields.ts';

const RATE = 'a rate such as 100/s, 600/m, 5000/h or 20000/d';
export const BY = '"claim:sub", client, "header:X-Api-Key" or route';

/** Requests that may come at once, at most: more is no limit. */
const MAX_BURST = 1_000_000;
/** Keys of one limit, at most: some 400 MiB in each process. */
const MAX_KEYS = 10_000_000;

/** A limit on the rate of requests, to which routes refer by its name. */
export const rateLimit = section({
  rate: pattern(RATE, /^[1-9]\d{0,5}\/[smhd]$/)
    .describe(
      'Requests of one key for each second, minute, hour or day, spread evenly: `600/m` is ten a second.',
    )
    .optional(),
  burst: count(1, MAX_BURST)
    .describe(
      'Requests of one key that may come at once after a pause. Without this key it is the number in `rate`.',
    )
    .optional(),
  by: pattern(BY, /^(?:client|route|(?:claim|header):.*)$/)
    .describe(
      'What requests are counted by. `claim:NAME`: a claim of the token, in which dots reach into objects, and its issuer. `client`: the address of the client, of IPv6 the first 64 bits. `header:NAME`: a header of the request. `route`: all requests of a route together.',
    )
    .optional(),
  keys: count(1000, MAX_KEYS)
    .prefault(100_000)
    .describe(
      'Keys that each listener counts at one time. With more, those that have used the least share one count.',
    ),
}).meta({ required: ['rate', 'by'] });
