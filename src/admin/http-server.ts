import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Connections } from './connections.ts';
import { isOwnHost } from './host-field.ts';
import { json, type Page } from './page.ts';
import type { PostHandler, PostHeaders, PostReply } from './post-handler.ts';
import { BodyTooLarge, readBody } from './request-body.ts';
import { requestOrigin } from './request-origin.ts';

/** Bytes of a request head: a probe or a scraper sends a few hundred, a signed webhook some thousand. */
const maxHeadBytes = 8 * 1024;
/** Milliseconds for a request head, so that a client that sends slowly holds no slot. */
const headTimeoutMs = 5_000;
/** Milliseconds for a whole request. Pages do not use a body; it is read and discarded. */
const requestTimeoutMs = 10_000;
/** Milliseconds without a byte in either direction, so that a client that does not read its reply is disconnected. */
const idleTimeoutMs = 15_000;
/** Milliseconds between two checks of the time-outs above; Node's 30 seconds would make them meaningless. */
const timeoutCheckMs = 1_000;

const streamType = 'text/event-stream; charset=utf-8';
const everywhere = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** What to bind: an address, or a path at which no file exists. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

export type PageMaker = (headers: IncomingHttpHeaders) => Page | Promise<Page>;

/** A reply of server-sent events (HTML Living Standard § 9.2), which has no end of its own. */
export interface Stream {
  /** The reply where there is no room for another one. */
  refusal(): Page | undefined;
  /** Sends events, from now on, to a response whose head is sent. */
  open(headers: IncomingHttpHeaders, response: ServerResponse): void;
}

export interface HttpServerOptions {
  readonly place: Place;
  /** Pages for GET and HEAD, by path. */
  readonly pages: ReadonlyMap<string, PageMaker>;
  /** By path. Connections with a stream do not count among the others: streams bound their own number. */
  readonly streams?: ReadonlyMap<string, Stream> | undefined;
  /** Names that a Host field may have besides the address itself and `localhost`, in lower case. */
  readonly hosts: ReadonlySet<string>;
  /**
   * Handlers of POST, by path; one whose path ends with a slash has all paths below. Handlers demand a proof, so they accept
   * any Host field from programs. From browsers they accept what pages do.
   */
  readonly posts: ReadonlyMap<string, PostHandler>;
  /** The refusal of a request for a page, before the page is made. */
  readonly refuse?: ((path: string, headers: PostHeaders) => PostReply | Page | undefined) | undefined;
  /** Receives an error of a page or handler; the client gets a plain 500 without its text. */
  readonly fault: (error: unknown) => void;
}

export interface HttpServer {
  /** `host:port`, with the port the system chose where 0 was asked for, or `unix:` and the path. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves a few paths for operators. It runs on node:http because health checks of the HTTP/1.0 kind must get a reply.
 * Rejects with the system's listen error (`EADDRINUSE`, `EACCES`).
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { place, fault } = options;
  const connections = new Connections();
  const server = createServer(
    {
      maxHeaderSize: maxHeadBytes,
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
    },
    (request, response) => {
      connections.inTurn(request, response, () => {
        answer(request, response, options, connections).catch((error: unknown) => {
          fault(error);
          response.destroy();
        });
      });
    },
  );
  server.on('connection', (socket) => connections.admit(socket));
  server.setTimeout(idleTimeoutMs);
  const bound = await listen(server, place);
  server.on('error', (error) => fault(error));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      // No request here is worth waiting for: scrapes are repeated, and a held connection must not delay the exit.
      server.closeAllConnections();
    });
    return closing;
  };
  return { address: bound, close };
}

function listen(server: Server, place: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...place }, () => {
      server.removeListener('error', reject);
      if ('path' in place) {
        resolve(`unix:${place.path}`);
        return;
      }
      const { address, family, port: boundPort } = server.address() as AddressInfo;
      resolve(family === 'IPv6' ? `[${address}]:${boundPort}` : `${address}:${boundPort}`);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { pages, streams, posts, hosts, refuse, fault }: HttpServerOptions,
  connections: Connections,
): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2);
  const page = pages.get(path);
  const stream = streams?.get(path);
  const [at, post] = handlerOf(path, posts);
  const { headers, method = '' } = request;
  if (requestOrigin(headers, method) === 'foreign') {
    send(response, json(403, { error: 'a browser sent this request for a page of another site' }));
    return;
  }
  if ((post === undefined || page !== undefined || isOfBrowser(headers)) && !isOwnHost(request, hosts)) {
    send(response, json(421, { error: 'the Host field names another address; add its name to admin.hosts' }));
    return;
  }
  if (page === undefined && post === undefined && stream === undefined) {
    const paths = [...pages.keys(), ...(streams?.keys() ?? []), ...posts.keys()];
    send(response, json(404, { error: 'not found', paths }));
    return;
  }
  const allowed = [
    ...(page === undefined && stream === undefined ? [] : ['GET', 'HEAD']),
    ...(post === undefined ? [] : ['POST']),
    ...(post?.remove === undefined ? [] : ['DELETE']),
  ];
  if (!allowed.includes(method)) {
    response.setHeader('allow', allowed.join(', '));
    send(response, json(405, { error: 'method not allowed' }));
    return;
  }
  try {
    if (method === 'DELETE') await answerDelete(request, response, query, post);
    else if (method === 'POST') await answerPost(request, response, post, path.slice(at.length));
    else {
      const refusal = refuse?.(path, headers);
      if (refusal !== undefined) reply(response, refusal);
      else if (stream !== undefined) answerStream(request, response, stream, connections);
      else if (page !== undefined) send(response, await page(headers));
    }
  } catch (error) {
    // The client left in the middle of its request.
    if (request.destroyed && !request.complete) return;
    fault(error);
    send(response, json(500, { error: 'the request could not be answered' }));
  }
}

function answerStream(
  request: IncomingMessage,
  response: ServerResponse,
  stream: Stream,
  connections: Connections,
): void {
  const refusal = stream.refusal();
  if (refusal !== undefined) {
    send(response, refusal);
    return;
  }
  // A connection that carried a stream carries nothing else.
  response.writeHead(200, { ...everywhere, 'content-type': streamType, connection: 'close' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  connections.release(request.socket);
  stream.open(request.headers, response);
}

async function answerPost(
  request: IncomingMessage,
  response: ServerResponse,
  handler: PostHandler | undefined,
  below: string,
): Promise<void> {
  if (handler === undefined) return;
  const { headers, socket } = request;
  const refusal = handler.refuse(headers);
  if (refusal !== undefined) {
    reply(response, refusal);
    return;
  }
  let body: Buffer;
  try {
    body = await readBody(request, handler.maxBytes);
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) throw error;
    send(response, json(413, { error: `the body has more than ${handler.maxBytes} bytes` }));
    return;
  }
  reply(response, await handler.answer(headers, body, below, socket.remoteAddress ?? ''));
}

async function answerDelete(
  { headers }: IncomingMessage,
  response: ServerResponse,
  query: string,
  handler: PostHandler | undefined,
): Promise<void> {
  const made = await handler?.remove?.(headers, query);
  if (made !== undefined) reply(response, made);
}

/** The handler of a path with its own path. */
function handlerOf(
  path: string,
  posts: HttpServerOptions['posts'],
): readonly [at: string, handler: PostHandler | undefined] {
  const handler = posts.get(path);
  if (handler !== undefined) return [path, handler];
  for (const [at, above] of posts) {
    if (at.endsWith('/') && path.startsWith(at)) return [at, above];
  }
  return [path, undefined];
}

/** Whether a field tells of a browser. Programs that prove what they may have none of them. */
function isOfBrowser({ origin, cookie, 'sec-fetch-site': site }: PostHeaders): boolean {
  return origin !== undefined || cookie !== undefined || site !== undefined;
}

function reply(response: ServerResponse, made: PostReply | Page): void {
  if ('type' in made) {
    send(response, made);
    return;
  }
  const { status, body, headers = {} } = made;
  send(response, { ...json(status, body), headers });
}

function send(response: ServerResponse, { status, type, body, headers }: Page): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...everywhere,
    ...headers,
  });
  response.end(body);
}
