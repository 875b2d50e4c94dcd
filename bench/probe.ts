import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:http2';
import { request as requestByTls } from 'node:https';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Speech } from './gateways/gateway.ts';
import type { Subprocess } from './subprocesses.ts';

/** Milliseconds for one probe; a local response takes a hundredth of it. */
const PROBE_TIMEOUT_MS = 2_000;
/** Milliseconds for a server's first response. */
const READY_TIMEOUT_MS = 15_000;
/** Milliseconds between two attempts. */
const RETRY_MS = 25;

export interface Probe {
  readonly path: string;
  readonly token?: string | undefined;
  /** Bytes to send, as a POST; a GET without a body when left out. */
  readonly uploadBytes?: number | undefined;
  /** HTTP/1.1 by default. */
  readonly speech?: Speech | undefined;
  /** Bytes that the response must have. */
  readonly expected?: number;
}

interface Response {
  readonly status: number;
  readonly body: string;
}

/** One request on its own connection. */
export function send(port: number, probe: Probe): Promise<Response> {
  return probe.speech === 'h2c' ? sendByHttp2(port, probe) : sendByHttp1(port, probe);
}

function sendByHttp2(port: number, { path, token }: Probe): Promise<Response> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const close = (): void => session.destroy();
    session.on('error', reject);
    const stream = session.request({
      ':path': path,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    });
    stream.setTimeout(PROBE_TIMEOUT_MS, () => stream.destroy(new Error('no answer in time')));
    stream.on('error', (error) => {
      close();
      reject(error);
    });
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.setEncoding('latin1').on('data', (text: string) => {
      body += text;
    });
    stream.on('end', () => {
      close();
      resolve({ status, body });
    });
  });
}

function sendByHttp1(port: number, { path, token, uploadBytes, speech }: Probe): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = (speech === 'https' ? requestByTls : request)({
      // The certificate is the benchmark's own.
      rejectUnauthorized: false,
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      method: uploadBytes === undefined ? 'GET' : 'POST',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    outgoing.setTimeout(PROBE_TIMEOUT_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    outgoing.on('response', (response: IncomingMessage) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.end(uploadBytes === undefined ? undefined : Buffer.alloc(uploadBytes, 'a'));
  });
}

/** Repeats the request until the server sends the expected response; fails when it ends or takes too long. */
export async function untilReady(subprocess: Subprocess, port: number, probe: Probe): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let last = 'no attempt';
  while (performance.now() < deadline) {
    if (subprocess.exited) break;
    try {
      const { status, body } = await send(port, probe);
      if (status === 200 && body.length === probe.expected) return;
      last = `status ${status}, ${body.length} bytes: ${body.slice(0, 200)}`;
    } catch (error) {
      last = (error as Error).message;
    }
    await delay(RETRY_MS);
  }
  throw new Error(`${subprocess.command} is not ready (${last}) ${subprocess.output}`);
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
