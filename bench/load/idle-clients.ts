import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectByTls } from 'node:tls';
import { BODY } from '../upstream.ts';
import type { SidePlan, SideState } from './side-clients.ts';

/** Connections by HTTP/1.1. Each has had one right response, and stays silent. */
export interface IdlePlan extends SidePlan {
  /** The clients speak TLS. */
  readonly secure: boolean;
}

// Runs in its own process: takes one plan as a message, opens its connections, and sends how many stay open for each
// further message.

/** Connections that are being opened at a time. */
const OPENING = 64;
/** Milliseconds for one connection with its response. */
const TIMEOUT_MS = 10_000;

const open = new Set<Socket>();

/** Opens one connection and gets one right response by it. */
async function join({ port, secure }: IdlePlan, request: string): Promise<void> {
  const socket = secure
    ? // The certificate is the benchmark's own. Not every server knows the hybrid groups with ML-KEM, whose keys are large.
      connectByTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ecdhCurve: 'X25519' })
    : connect(port, '127.0.0.1');
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new Error(`no right answer: ${text.slice(0, 200)}`));
    socket.setTimeout(TIMEOUT_MS, fail);
    socket.on('error', reject);
    socket.on('close', fail);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (!text.endsWith(BODY)) return;
      if (text.startsWith('HTTP/1.1 200')) resolve();
      else fail();
    });
    socket.write(request);
  });
  socket.setTimeout(0);
  socket.removeAllListeners('data');
  open.add(socket);
  socket.on('close', () => open.delete(socket));
  socket.resume();
}

const [plan] = (await once(process, 'message')) as [IdlePlan];
const tokens = readFileSync(plan.tokenFile, 'latin1').trimEnd().split('\n');
let begun = 0;
const opener = async (): Promise<void> => {
  while (begun < plan.connections) {
    const token = tokens[begun % tokens.length];
    begun += 1;
    await join(plan, `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  }
};
await Promise.all(Array.from({ length: OPENING }, opener));
const tell = (): void => {
  process.send?.({ open: open.size } satisfies SideState);
};
process.on('message', tell);
process.on('disconnect', () => process.exit(0));
tell();
