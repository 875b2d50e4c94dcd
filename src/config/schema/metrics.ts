import { flag, oneOf, optionalList, section } from './fields.ts';

/** What metrics have beyond the usual, at a price in series. */
export const metrics = section({
  histograms: optionalList(oneOf(['route', 'upstream']), 'a list of route, upstream')
    .prefault([])
    .describe(
      'What has a histogram of its own, of 19 series each: `route_request_seconds`, `upstream_request_seconds`. The first 200 of a kind have one, and the others share one.',
    ),
  exemplars: flag()
    .prefault(false)
    .describe('Whether histograms have the ids of sampled traces, for scrapers that accept OpenMetrics.'),
});
