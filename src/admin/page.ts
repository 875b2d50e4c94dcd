/** A reply with a body. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Besides those that every reply has. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
