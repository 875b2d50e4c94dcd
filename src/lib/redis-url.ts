const PORT = 6379;

export interface RedisAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Undefined: the default user. */
  readonly user: string | undefined;
  /** Undefined: the client does not authenticate. Empty for a user without password. */
  readonly password: string | undefined;
  readonly database: number;
}

/** The fault of a URL, without its user and password. The message completes the sentence `the URL …`. */
export class RedisUrlError extends Error {
  override readonly name = 'RedisUrlError';
}

/**
 * Reads `redis://user:password@host:port/database`, or `rediss:` for TLS, as the schemes are registered with IANA.
 * @throws RedisUrlError
 */
export function readRedisUrl(text: string): RedisAddress {
  if (!URL.canParse(text)) throw new RedisUrlError('does not fit');
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  if ((protocol !== 'redis:' && protocol !== 'rediss:') || hostname === '') {
    throw new RedisUrlError('does not fit');
  }
  const database = Number(pathname.slice(1));
  if (!Number.isSafeInteger(database) || database < 0) {
    throw new RedisUrlError('names a database that is no number');
  }
  const isPresented = username !== '' || password !== '';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? PORT : Number(port),
    isTls: protocol === 'rediss:',
    user: username === '' ? undefined : decoded(username),
    password: isPresented ? decoded(password) : undefined,
    database,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisUrlError('has a % in the user or password that encodes nothing, where %25 may be meant');
  }
}
