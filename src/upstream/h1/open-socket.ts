import type { Buffer } from 'node:buffer';
import type { ByteSocket } from './byte-socket.ts';
import type { ConnectionOptions } from './connection-owner.ts';
import { TlsUpstreamSocket } from './tls-upstream-socket.ts';
import { UpstreamSocket } from './upstream-socket.ts';

/** What a socket reports beside its bytes. */
export interface SocketEvents {
  /** With TLS: the certificate has been checked, too. */
  readonly onConnect: () => void;
  readonly onDrain: () => void;
  readonly onEnd: () => void;
  /** Comes once or twice. */
  readonly onLost: (error: Error | undefined) => void;
}

/** Connects to a server. @param read gets the number of bytes in the buffer, and returns whether it wants more. */
export function openSocket(
  { tls, address, readBuffer }: Pick<ConnectionOptions<unknown>, 'tls' | 'address' | 'readBuffer'>,
  read: (length: number, buffer: Buffer) => boolean,
  { onConnect, onDrain, onEnd, onLost }: SocketEvents,
): ByteSocket {
  const socket =
    tls === undefined
      ? new UpstreamSocket(address, readBuffer, read)
      : new TlsUpstreamSocket(tls, address, readBuffer, read);
  socket.on(tls === undefined ? 'connect' : 'secureConnect', onConnect);
  socket.on('drain', onDrain);
  socket.on('end', onEnd);
  socket.on('error', onLost);
  socket.on('close', () => onLost(undefined));
  return socket;
}
