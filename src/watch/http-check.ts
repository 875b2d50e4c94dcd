import { request } from 'node:http';
import { causeOf } from '../upstream/down-causes.ts';
import type { CheckCause, CheckResult, CheckTarget } from './check.ts';
import { judgeResponse, late, MAX_HEAD } from './checked-response.ts';

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
      end(
        signal.aborted
          ? late
          : { ok: false, cause: causeOfError(error), detail: error.code ?? error.message },
      );
    };
    call.on('error', fail);
    call.on('upgrade', () =>
      end({ ok: false, cause: 'invalid_response', detail: 'status 101, for which the check did not ask' }),
    );
    call.on('response', (response) => {
      response.on('error', fail);
      judgeResponse(response.statusCode ?? 0, response, health, end);
    });
    call.end();
  });
}

function causeOfError(error: NodeJS.ErrnoException): CheckCause {
  return error.code?.startsWith('HPE_') === true ? 'invalid_response' : causeOf(error, 'failed');
}
