import type { Page } from './page.ts';

/** The reply to a POST or DELETE; `body` is sent as JSON. */
export interface PostReply {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type PostHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Handles POST requests on one path of the admin address or of the address of webhooks. */
export interface PostHandler {
  /** Bytes of a body, at most. */
  readonly maxBytes: number;
  /** The reply to a request that is refused before its body is read; undefined to read it. Header names are in lower case. */
  refuse(headers: PostHeaders): PostReply | undefined;
  /**
   * @param below the part of the path below the handler's; empty for a handler of one path.
   * @param peer address of the client; empty on a unix socket.
   */
  answer(headers: PostHeaders, body: Buffer, below: string, peer: string): Promise<PostReply | Page>;
  /** Handles DELETE; absent where the path does not allow it. The query has no question mark. */
  remove?(headers: PostHeaders, query: string): Promise<PostReply>;
}
