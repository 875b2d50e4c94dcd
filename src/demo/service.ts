import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DemoServer, sendJson, serve } from './http.ts';

/** Headers that show the changes of a gateway to a request; `x-…` headers are shown as well. */
const shownHeaders: readonly string[] = ['host', 'user-agent', 'content-type', 'content-length', 'via'];

/** Starts the demo's protected service, which describes in each response the request that it received. */
export function startService(port: number): Promise<DemoServer> {
  return serve(port, (request, response) => {
    let bodyBytes = 0;
    request.on('data', (part: Buffer) => {
      bodyBytes += part.length;
    });
    request.on('end', () => describe(request, response, bodyBytes));
  });
}

function describe(request: IncomingMessage, response: ServerResponse, bodyBytes: number): void {
  const headers: Record<string, string | readonly string[] | undefined> = {};
  for (const name of Object.keys(request.headers)) {
    if (shownHeaders.includes(name) || name.startsWith('x-')) headers[name] = request.headers[name];
  }
  sendJson(response, 200, {
    message: 'you have reached the protected service',
    method: request.method,
    path: request.url,
    headers,
    // Only its presence: a response must not repeat a token.
    authorization: request.headers.authorization === undefined ? 'absent' : 'present',
    bodyBytes,
  });
}
