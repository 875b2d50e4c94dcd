import { portcullisWith } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { sideBySide } from './side-by-side.ts';

/** A limit that no request of the trial reaches: what counts is the counting. */
const RATE = 'rateLimits: { much: { rate: 100000/s, by: "claim:sub" } }\n';

/** Known tokens with nothing more than the default configuration, and with one thing more in each row. */
export const extras: Trial = {
  name: 'hit-extras',
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    return sideBySide(bench, {
      name: 'hit-extras',
      description: 'tokens in turn, all seen before, with one thing more in each row',
      gateways: [
        portcullisWith('portcullis', 'portcullis, default configuration, one claim header'),
        portcullisWith('request-ids', 'portcullis, requestId', {
          lines: 'requestId: { header: X-Request-Id }\n',
        }),
        portcullisWith('rate-limit', 'portcullis, a rate limit by claim', {
          lines: RATE,
          route: 'rateLimit: [much]',
        }),
      ],
      baselines: ['portcullis'],
      tokens: KNOWN_TOKENS,
      connections: CONNECTIONS,
    });
  },
};
