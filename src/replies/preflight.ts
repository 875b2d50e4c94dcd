import type { PreflightConfig } from '../config/config.ts';
import type { Reply, ResponseHead } from '../http/message.ts';
import { noBody } from './no-body.ts';

type PreflightRules = Omit<Extract<PreflightConfig, { kind: 'answer' }>, 'kind'>;

/**
 * The replies to preflights of one route (Fetch standard §3.3), rendered once. The client's origin chooses a reply, but
 * no byte of the request is part of it.
 */
export class PreflightReplies {
  readonly kind = 'replies';
  readonly #everyone: Reply | undefined;
  readonly #byOrigin: ReadonlyMap<string, Reply>;
  /** For an origin that is not allowed: says nothing about allowed requests. */
  readonly #stranger: Reply = reply([]);

  constructor(rules: PreflightRules) {
    const { origins } = rules;
    this.#everyone = origins === '*' ? reply(leave('*', rules)) : undefined;
    this.#byOrigin = new Map(
      origins === '*' ? [] : origins.map((origin) => [origin, reply(leave(origin, rules))]),
    );
  }

  to(origin: string): Reply {
    return this.#everyone ?? this.#byOrigin.get(origin) ?? this.#stranger;
  }
}

function leave(origin: string, rules: PreflightRules): string[] {
  const { methods, headers, maxAgeMs, credentials } = rules;
  const lines = [
    `Access-Control-Allow-Origin: ${origin}`,
    `Access-Control-Allow-Methods: ${methods.join(', ')}`,
  ];
  if (headers.length > 0) lines.push(`Access-Control-Allow-Headers: ${headers.join(', ')}`);
  if (maxAgeMs !== undefined) lines.push(`Access-Control-Max-Age: ${Math.floor(maxAgeMs / 1000)}`);
  if (credentials) lines.push('Access-Control-Allow-Credentials: true');
  return lines;
}

/** Every reply depends on Origin, so `Vary` keeps caches from giving it to clients with another one. */
function reply(lines: readonly string[]): Reply {
  const head: ResponseHead = {
    status: 204,
    lines: ['204 No Content', 'Vary: Origin', ...lines].join('\r\n'),
    eightBit: false,
    framing: 'none',
    contentLength: -1,
  };
  return { head, body: noBody, close: false };
}
