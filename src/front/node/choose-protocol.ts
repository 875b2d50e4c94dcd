import type { TrafficAddress } from '../../config/config.ts';
import type { ClientSocket, Protocol } from './client-socket.ts';
import { H1Connection, type H1Terms } from './h1/connection.ts';
import { H2Connection } from './h2/connection.ts';
import type { H2Terms } from './h2/streams.ts';
import { PriorKnowledge } from './prior-knowledge.ts';

/** The protocol of a new connection with TLS. @param negotiated its name in ALPN; false: the client offered none. */
export function negotiatedProtocol(
  socket: ClientSocket,
  negotiated: string | false | null,
  terms: H1Terms & H2Terms,
): Protocol {
  return negotiated === 'h2' ? new H2Connection(socket, terms) : new H1Connection(socket, terms);
}

/** The protocol of a new connection without TLS. @param protocols those of its address. */
export function chooseProtocol(
  socket: ClientSocket,
  protocols: TrafficAddress['protocols'],
  terms: H1Terms & H2Terms,
): Protocol {
  if (protocols?.includes('h2c') !== true) return new H1Connection(socket, terms);
  const http2 = (): Protocol => new H2Connection(socket, terms);
  if (!protocols.includes('http/1.1')) return http2();
  return new PriorKnowledge({
    http1: () => new H1Connection(socket, terms),
    http2,
    keepAliveMs: terms.keepAliveMs,
    requestHeadMs: terms.requestHeadMs,
    end: () => socket.close(),
  });
}
