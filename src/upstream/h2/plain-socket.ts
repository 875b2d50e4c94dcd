import { connect, type Socket } from 'node:net';
import type { ServerAddress } from '../../config/upstream-config.ts';

/** A connection without TLS, for HTTP/2 by prior knowledge (RFC 9113 §3.3). */
export function plainSocket(address: ServerAddress): Socket {
  return connect({ ...address, noDelay: true });
}
