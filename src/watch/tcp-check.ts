import { connect } from 'node:net';
import { causeOf } from '../upstream/server-state.ts';
import type { CheckResult, CheckTarget } from './check.ts';

/** Whether a connection can be made, with its TLS handshake. No byte of HTTP is sent. */
export function checkTcp({ address, secure }: CheckTarget, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = secure === undefined ? connect(address) : secure();
    const end = (result: CheckResult): void => {
      signal.removeEventListener('abort', onLate);
      socket.destroy();
      resolve(result);
    };
    const onLate = (): void => end({ ok: false, cause: 'timeout', detail: 'no connection in time' });
    if (signal.aborted) onLate();
    else signal.addEventListener('abort', onLate, { once: true });
    socket.once(secure === undefined ? 'connect' : 'secureConnect', () =>
      end({ ok: true, detail: 'a connection was made' }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end({ ok: false, cause: causeOf(error, 'failed'), detail: error.code ?? error.message }),
    );
  });
}
