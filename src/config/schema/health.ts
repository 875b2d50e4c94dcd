import * as z from 'zod';
import { count, duration, either, list, must, pattern, section, text } from './fields.ts';

const HOUR = 60 * 60_000;

/** Ranges of `status`: a range for each hundred is plenty. */
const MAX_RANGES = 16;

const statusHint = 'a status such as 204, or a range such as 200-399, from 200 to 599';

/** A final status (RFC 9110 §15), or two with a dash. */
const statusRange = z
  .union([z.int(), z.string().regex(/^[2-5]\d\d(-[2-5]\d\d)?$/, { error: must(statusHint) })], {
    error: must(statusHint),
  })
  .meta({ title: statusHint })
  .transform((value): [number, number] => {
    const [from = '', to = from] = String(value).split('-');
    return [Number(from), Number(to)];
  })
  .refine(([from, to]) => from >= 200 && from <= to && to <= 599, {
    error: `is out of order or range; must be ${statusHint}`,
  });

const pathHint = 'a path such as /healthz, in the form of a request';

/** How the servers of an upstream are checked. */
export const health = section({
  path: pattern(pathHint, /^\/[!-~]{0,1023}$/)
    .describe(
      'Target of a GET request. Without this key a server is healthy if a connection to it can be made.',
    )
    .optional(),
  host: text('a host, with a port if need be')
    .describe('The Host field of the request. Without this key it is the host of the server.')
    .optional(),
  interval: duration(100, HOUR)
    .prefault('5s')
    .describe('From the beginning of a check to that of the next one, up to a tenth less.'),
  timeout: duration(10, HOUR)
    .prefault('2s')
    .describe('For a whole check, from the connection to the end of the response. At most `interval`.'),
  rise: count(1, 100)
    .prefault(2)
    .describe('Successes in a row after which an unhealthy server is used again.'),
  fall: count(1, 100).prefault(3).describe('Failures in a row after which a server is not used.'),
  status: list(statusRange, 'a list such as [200-399]', MAX_RANGES)
    .describe(
      'Statuses that a healthy server answers with, single ones or ranges. Without this key 200 to 399.',
    )
    .optional(),
});

/** How often names are looked up. */
export const resolve = either(
  [z.literal('none'), duration(1_000, HOUR)],
  'none, or a duration from 1s to 1h, such as 30s',
);

export type FileHealth = z.output<typeof health>;
