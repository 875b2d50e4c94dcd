import type { Log } from '../../src/lib/log.ts';
import { silentLog } from './gateway.ts';

/** A log that keeps the lines of the access log. */
export function recordingLog(): { readonly log: Log; readonly lines: object[] } {
  const lines: object[] = [];
  const info = (fields: object, message: string): void => {
    if (message === 'request') lines.push(fields);
  };
  return { log: { ...silentLog, info }, lines };
}
