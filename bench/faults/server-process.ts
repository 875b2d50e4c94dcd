import { readFileSync } from 'node:fs';
import { createServer as createPlainServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import {
  CHECK_PATH,
  type Mode,
  now,
  REQUEST_PATH,
  SERVER_FIELD,
  type ServerQuestion,
  SLOW_MS,
  USUAL_MS,
} from './messages.ts';

// One of the servers behind a gateway, in its own process. It takes GET requests without bodies, notes the arrival of each,
// and breaks in the way that the trial asks for. Arguments: its number, address, port, and for TLS the PEM files with
// the good and with the expired certificate.

/** Milliseconds between a head and the reset: the head has left by then. */
const RESET_AFTER_MS = 5;
const BODY = 'abcdefghijklmnopqrstuvwxyz';

const [number, host, port, good, expired] = process.argv.slice(2) as [
  string,
  string,
  string,
  string?,
  string?,
];
const requests: number[] = [];
const at: number[] = [];
let mode: Mode = 'well';
/** Connections, each with its requests under way. */
const sockets = new Map<Socket, number>();

const head = (status: string): string =>
  `HTTP/1.1 ${status}\r\n${SERVER_FIELD}: ${number}\r\ncontent-length: ${BODY.length}\r\n\r\n`;
const usual = head('200 OK') + BODY;
const unavailable = head('503 Service Unavailable') + BODY;

function respond(socket: Socket, isLast: boolean): void {
  const underWay = sockets.get(socket);
  if (underWay === undefined) return;
  sockets.set(socket, underWay - 1);
  if (mode === 'reset') {
    socket.write(head('200 OK'));
    setTimeout(() => socket.resetAndDestroy(), RESET_AFTER_MS);
    return;
  }
  socket.write(mode === 'unavailable' ? unavailable : usual);
  if (isLast) socket.end();
}

function take(socket: Socket, request: string): void {
  const path = request.slice(4, request.indexOf(' ', 4));
  if (path !== CHECK_PATH) {
    requests.push(Number(path.slice(path.lastIndexOf(REQUEST_PATH) + REQUEST_PATH.length)));
    at.push(now());
  }
  sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
  const isLast = /\r\nconnection: close\r\n/i.test(request);
  setTimeout(() => respond(socket, isLast), mode === 'slow' ? SLOW_MS : USUAL_MS);
}

function serve(socket: Socket): void {
  let text = '';
  sockets.set(socket, 0);
  // A reset by the gateway is the gateway's affair; 'close' follows.
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.setNoDelay(true);
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
      take(socket, text.slice(0, end + 2));
      text = text.slice(end + 4);
    }
  });
}

const contextOf = (pem: string) => {
  const text = readFileSync(pem, 'latin1');
  return { cert: text, key: text };
};

const server =
  good === undefined
    ? createPlainServer(serve)
    : createTlsServer(contextOf(good), serve).on('tlsClientError', () => {});

/**
 * Shows another certificate from the next handshake on: with the context the ticket keys change, so no session is resumed
 * past it. Idle connections end, and busy ones after their response, as when a server is reloaded.
 */
function show(pem: string): void {
  (server as TlsServer).setSecureContext(contextOf(pem));
  for (const [socket, underWay] of sockets) {
    if (underWay === 0) socket.end();
    else setTimeout(() => socket.end(), USUAL_MS);
  }
}

process.on('message', (question: ServerQuestion) => {
  if ('mode' in question) {
    mode = question.mode;
    const pem = mode === 'expired' ? expired : good;
    if (pem !== undefined) show(pem);
    process.send?.(now());
  } else if (question.tell === 'arrivals') {
    process.send?.({ requests, at });
  } else {
    process.send?.(requests.at(-1) ?? -1);
  }
});
// Without the trial there is no reason to go on.
process.on('disconnect', () => process.exit(0));
server.listen({ host, port: Number(port) }, () => process.send?.(now()));
