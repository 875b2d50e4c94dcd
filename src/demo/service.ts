import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DemoServer, sendJson, serve } from './http.ts';

/** The headers that tell what a gateway did to a request; `x-…` ones are shown as well. */
const shownHeaders: readonly string[] = ['host', 'user-agent', 'content-type', 'content-length', 'via'];

/** The demo's protected service: it answers each request with what has reached it. */
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
    // Whether it came, not what it is: an answer is no place for a token.
    authorization: request.headers.authorization === undefined ? 'absent' : 'present',
    bodyBytes,
  });
}
