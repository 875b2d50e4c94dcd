import { createLog } from '../../src/lib/log.ts';

/** Lines of a kilobyte each: more than the log may keep. */
const LINES = 4096;

/** Writes to standard output without a reader, reports the result, and then waits until the output has been read. */
const log = createLog({ level: 'info' });
let at = 0;
while (at < LINES && log.crowded?.() !== true) {
  log.info({ at, text: 'x'.repeat(1000) }, 'spared');
  at += 1;
}
process.send?.({ crowdedAfter: at });
log.warn({}, 'kept');
const poll = setInterval(() => {
  if (log.crowded?.() !== false) return;
  clearInterval(poll);
  log.info({}, 'again');
  process.disconnect();
}, 5);
