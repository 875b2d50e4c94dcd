export interface Addresses {
  /** `host:port` or `unix:/path` of each listening address, in the order of the configuration. */
  readonly listen: readonly string[];
  readonly admin: string;
  /** Of webhooks; undefined when `admin` takes them, or when there are none. */
  readonly webhooks?: string | undefined;
}
