import type { PostHeaders, PostReply } from '../admin/post-handler.ts';
import type { GuardedHandler } from '../admin/server.ts';
import type { Mode } from './modes.ts';

/** Bytes of a body, which has one word. */
const MAX_BODY_BYTES = 1024;

const MODES: readonly string[] = ['ready', 'drain', 'down'] satisfies readonly Mode[];

const notFound: PostReply = {
  status: 404,
  body: {
    error: 'there is no such server; the path is /upstreams/NAME/servers/ADDRESS, as /status shows them',
  },
};

const wrongBody: PostReply = {
  status: 400,
  body: {
    error: `the body must be a JSON object {"state": "..."} with ${MODES.join(', ')}, and nothing else`,
  },
};

/** See `ServerWatch.setMode`. */
export type SetMode = (
  upstream: string,
  server: string,
  mode: Mode,
) => Promise<readonly string[] | undefined>;

/**
 * `POST /upstreams/NAME/servers/ADDRESS` takes a server out of the choice and brings it back, for those who know the
 * secret of the admin address. The reply comes when all workers have taken it.
 */
export class ModeEndpoint implements GuardedHandler {
  readonly maxBytes = MAX_BODY_BYTES;
  readonly #setMode: SetMode;

  constructor(setMode: SetMode) {
    this.#setMode = setMode;
  }

  async answer(_headers: PostHeaders, body: Buffer, below: string): Promise<PostReply> {
    const [, upstream, server] = /^([^/]+)\/servers\/([^/].*)$/.exec(below) ?? [];
    const names = [upstream, server].map(decoded);
    const [name, address] = names;
    if (name === undefined || address === undefined) return notFound;
    const state = stateIn(body);
    if (state === undefined) return wrongBody;
    const servers = await this.#setMode(name, address, state);
    return servers === undefined ? notFound : { status: 200, body: { upstream: name, state, servers } };
  }
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined; // A stray percent sign names no server.
  }
}

function stateIn(body: Buffer): Mode | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const { state } = value as { readonly state?: unknown };
  return MODES.includes(state as string) ? (state as Mode) : undefined;
}
