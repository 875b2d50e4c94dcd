import type { Readable } from 'node:stream';
import type { HealthConfig } from '../config/upstream-config.ts';
import type { CheckResult } from './check.ts';

/** Bytes of a response head. */
export const MAX_HEAD = 16 * 1024;
/** Bytes of a body, which are read so that the server can end its response; the rest of a longer one is not read. */
const MAX_BODY = 64 * 1024;

/** The time of a check is over. */
export const late: CheckResult = { ok: false, cause: 'timeout', detail: 'no whole response in time' };

/**
 * Judges a response whose head has come.
 * @param body of which as much is read as a check wants.
 * @param end gets the result, more than once where the body goes on behind it.
 */
export function judgeResponse(
  status: number,
  body: Readable,
  health: HealthConfig,
  end: (result: CheckResult) => void,
): void {
  if (!health.status.some(([from, to]) => from <= status && status <= to)) {
    end({ ok: false, cause: 'wrong_status', detail: `status ${status}` });
    return;
  }
  const good: CheckResult = { ok: true, detail: `status ${status}` };
  let bytes = 0;
  body.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_BODY) end(good);
  });
  body.on('end', () => end(good));
}
