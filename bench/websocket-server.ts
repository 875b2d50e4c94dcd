import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { bareFrame, MASKED_HEADER } from './load/frames.ts';
import { BODY, DOWNLOAD_PATH, downloadPayload, ECHO_BYTES, type UpstreamMessage } from './upstream.ts';

// The server behind the gateways whose clients open WebSockets, in its own process. It speaks frames on its sockets, without a
// library: each frame of 64 bytes comes back, and below the path of downloads each asks for as many frames as its payload says.
// Any other request has the usual response.

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FRAME_BYTES = MASKED_HEADER + ECHO_BYTES;

let served = 0;
const send = (message: UpstreamMessage): void => {
  process.send?.(message);
};
const large = bareFrame(downloadPayload());

function answer(socket: Socket, head: string): void {
  const key = /^sec-websocket-key: (\S+)\r$/im.exec(head)?.[1];
  if (key === undefined) {
    served += 1;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`, 'latin1');
    return;
  }
  const accept = createHash('sha1').update(`${key}${GUID}`, 'latin1').digest('base64');
  const take = head.startsWith(`GET ${DOWNLOAD_PATH} `) ? download : echo;
  socket.removeAllListeners('data');
  inFrames(socket, (payload) => take(socket, payload));
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`, 'latin1');
}

/** Hands over the payloads of masked frames of 64 bytes, unmasked: views that are valid during the call. */
function inFrames(socket: Socket, take: (payload: Buffer) => void): void {
  let rest: Buffer | undefined;
  socket.on('data', (read: Buffer) => {
    const bytes = rest === undefined ? read : Buffer.concat([rest, read]);
    let at = 0;
    for (; at + FRAME_BYTES <= bytes.length; at += FRAME_BYTES) {
      for (let index = 0; index < ECHO_BYTES; index += 1) {
        const place = at + MASKED_HEADER + index;
        bytes[place] = (bytes[place] as number) ^ (bytes[at + 2 + (index & 3)] as number);
      }
      take(bytes.subarray(at + MASKED_HEADER, at + FRAME_BYTES));
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined;
  });
}

function echo(socket: Socket, payload: Buffer): void {
  served += 1;
  socket.write(bareFrame(payload));
}

function download(socket: Socket, payload: Buffer): void {
  let left = payload.readUInt32BE(0);
  const push = (): void => {
    while (left > 0) {
      left -= 1;
      served += 1;
      if (socket.write(large)) continue;
      socket.once('drain', push);
      return;
    }
  };
  push();
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    // Clients send nothing behind a request before its response.
    const head = text.slice(0, end + 2);
    text = '';
    answer(socket, head);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  send({ port: (server.address() as AddressInfo).port, served });
  process.on('message', () => send({ port: 0, served }));
});
// Without the benchmark there is no reason to go on.
process.on('disconnect', () => process.exit(0));
