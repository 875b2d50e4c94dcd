import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { acceptOf } from '../../src/http/websocket/handshake.ts';
import { CLOSE, FrameReader, frameOf, PING, PONG, TEXT } from './websocket-frames.ts';

/**
 * Opens a WebSocket. Its first message is the user for whom the gateway has opened it. Then each frame comes back as it
 * was, a ping as a pong, and a Close ends it.
 */
export function echoFrames(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { 'sec-websocket-key': key = '', 'x-user-id': user = 'nobody' } = request.headers;
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`);
  socket.write(frameOf({ first: TEXT, payload: Buffer.from(String(user)) }));
  const reader = new FrameReader();
  const take = (bytes: Buffer): void => {
    for (const frame of reader.push(bytes)) {
      socket.write(frameOf(frame.first === PING ? { ...frame, first: PONG } : frame));
      if (frame.first === CLOSE) socket.end();
    }
  };
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', take);
  if (head.length > 0) take(head);
}
