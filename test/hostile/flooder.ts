import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * A client in its own process that sends distinct tokens, well formed but for their signatures, which are random bytes:
 * `node flooder.js PORT TOKENS CONNECTIONS INPUT`, where INPUT is header and payload of a token. Prints the number of
 * replies by status as JSON, and ends.
 */
const [port = 0, tokens = 0, connections = 0] = process.argv.slice(2, 5).map(Number);
const input = process.argv[5] ?? '';
const SIGNATURE_BYTES = 256;

let left = tokens;
let open = connections;
const replies: Record<string, number> = {};

function request(): string {
  left -= 1;
  const signature = randomBytes(SIGNATURE_BYTES).toString('base64url');
  return `GET /attack HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer ${input}.${signature}\r\n\r\n`;
}

function count(status: string): void {
  replies[status] = (replies[status] ?? 0) + 1;
}

function flood(socket: Socket): void {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('connect', () => socket.write(request()));
  socket.on('data', (data: string) => {
    text += data;
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < headEnd + 4 + length) return;
    count(text.slice(9, 12));
    text = '';
    if (left > 0) socket.write(request());
    else socket.end();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => count(error.code ?? 'error'));
  socket.on('close', () => {
    open -= 1;
    if (open === 0) process.stdout.write(JSON.stringify(replies));
  });
}

for (let at = 0; at < connections; at += 1) flood(connect({ port, host: '127.0.0.1', noDelay: true }));
