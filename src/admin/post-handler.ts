/** The answer to a request for something other than forwarding; `body` is sent as JSON. */
export interface PostReply {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type PostHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Takes POST requests on one path of the admin address, or of an address of its own. */
export interface PostHandler {
  /** Bytes of a body. */
  readonly maxBytes: number;
  /** The answer for a request whose body is not even to be read; header names are in lower case. */
  refuse(headers: PostHeaders): PostReply | undefined;
  answer(headers: PostHeaders, body: Buffer): Promise<PostReply>;
  /** Answers DELETE; absent where the path does not take it. The query comes without its question mark. */
  remove?(headers: PostHeaders, query: string): Promise<PostReply>;
}
