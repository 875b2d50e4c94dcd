import { type IncomingMessage, request } from 'node:http';
import { causeOf } from '../upstream/server-state.ts';
import type { CheckCause, CheckResult, CheckTarget } from './check.ts';

/** Bytes of a response head. */
const MAX_HEAD = 16 * 1024;
/** Bytes of a body, which are read so that the server can end its response; the rest of a longer one is not read. */
const MAX_BODY = 64 * 1024;

/** Whether the server sends a whole response with a status that counts as healthy. No redirect is followed. */
export function checkHttp(target: CheckTarget, signal: AbortSignal): Promise<CheckResult> {
  const { address, health, host, secure } = target;
  return new Promise((resolve) => {
    const call = request({
      ...('path' in address ? { socketPath: address.path } : { host: address.host, port: address.port }),
      path: health.path,
      headers: { host: health.host ?? host, 'user-agent': 'portcullis-health-check', accept: '*/*' },
      // A kept connection would not show whether the server takes new ones.
      ...(secure === undefined ? { agent: false } : { createConnection: secure }),
      maxHeaderSize: MAX_HEAD,
      signal,
    });
    const end = (result: CheckResult): void => {
      resolve(result);
      call.destroy();
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      if (signal.aborted) end({ ok: false, cause: 'timeout', detail: 'no whole response in time' });
      else end({ ok: false, cause: causeOfError(error), detail: error.code ?? error.message });
    };
    call.on('error', fail);
    call.on('upgrade', () =>
      end({ ok: false, cause: 'invalid_response', detail: 'status 101, for which the check did not ask' }),
    );
    call.on('response', (response) => judge(response, target, end, fail));
    call.end();
  });
}

function judge(
  response: IncomingMessage,
  { health }: CheckTarget,
  end: (result: CheckResult) => void,
  fail: (error: Error) => void,
): void {
  const { statusCode: status = 0 } = response;
  response.on('error', fail);
  if (!health.status.some(([from, to]) => from <= status && status <= to)) {
    end({ ok: false, cause: 'wrong_status', detail: `status ${status}` });
    return;
  }
  const good: CheckResult = { ok: true, detail: `status ${status}` };
  let bytes = 0;
  response.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_BODY) end(good);
  });
  response.on('end', () => end(good));
}

function causeOfError(error: NodeJS.ErrnoException): CheckCause {
  return error.code?.startsWith('HPE_') === true ? 'invalid_response' : causeOf(error, 'failed');
}
