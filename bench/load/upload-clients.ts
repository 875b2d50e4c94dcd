import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { SidePlan, SideState } from './side-clients.ts';

/** Clients that upload without end, as fast as they can. */
export interface UploadState extends SideState {
  /** Bytes that the system has taken of all of them. */
  readonly bytes: number;
  /** Monotonic milliseconds of this process. */
  readonly at: number;
}

// Runs in its own process: takes one plan as a message, begins its uploads, and sends its state for each further message.

/** Bytes that no benchmark sends to the end. */
const LENGTH = 2 ** 40;
/** Bytes of one write. */
const PIECE = Buffer.alloc(256 * 1024);

const open = new Set<Socket>();
const begun: Socket[] = [];

async function begin(port: number, token: string | undefined): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  open.add(socket);
  begun.push(socket);
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
  // A response means that the body is not wanted.
  socket.on('data', () => socket.destroy());
  socket.write(
    `POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${LENGTH}\r\n\r\n`,
  );
  const push = (): void => {
    while (!socket.destroyed && socket.write(PIECE));
  };
  socket.on('drain', push);
  push();
}

const [plan] = (await once(process, 'message')) as [SidePlan];
const tokens = readFileSync(plan.tokenFile, 'latin1').trimEnd().split('\n');
for (let at = 0; at < plan.connections; at += 1) await begin(plan.port, tokens[at % tokens.length]);
const tell = (): void => {
  let bytes = 0;
  for (const socket of begun) bytes += socket.bytesWritten - socket.writableLength;
  process.send?.({ open: open.size, bytes, at: performance.now() } satisfies UploadState);
};
process.on('message', tell);
process.on('disconnect', () => process.exit(0));
tell();
