import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { causeOf } from '../upstream/down-causes.ts';
import type { CheckResult, CheckTarget } from './check.ts';

/** A handshake of TLS has chosen another protocol than `h2`. */
export const noHttp2: CheckResult = { ok: false, cause: 'no_http2', detail: 'TLS did not choose h2' };

/** A new connection to the server. With TLS, `secureConnect` follows once the certificate has been checked. */
export function connectionTo({ address, secure }: CheckTarget): Socket {
  return secure === undefined ? connect(address) : secure();
}

/** Whether a connection can be made, with its TLS handshake. No byte of HTTP is sent. */
export function checkTcp(target: CheckTarget, signal: AbortSignal): Promise<CheckResult> {
  const { secure, protocol } = target;
  return new Promise((resolve) => {
    const socket = connectionTo(target);
    const end = (result: CheckResult): void => {
      signal.removeEventListener('abort', onLate);
      socket.destroy();
      resolve(result);
    };
    const onLate = (): void => end({ ok: false, cause: 'timeout', detail: 'no connection in time' });
    if (signal.aborted) onLate();
    else signal.addEventListener('abort', onLate, { once: true });
    socket.once(secure === undefined ? 'connect' : 'secureConnect', () => {
      const isOther =
        secure !== undefined && protocol === 'h2' && (socket as TLSSocket).alpnProtocol !== 'h2';
      end(isOther ? noHttp2 : { ok: true, detail: 'a connection was made' });
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end({ ok: false, cause: causeOf(error, 'failed'), detail: error.code ?? error.message }),
    );
  });
}
