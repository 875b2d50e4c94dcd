import { systemClock } from '../../src/lib/clock.ts';
import { ForeignLines } from '../../src/revocation/foreign-lines.ts';
import { RedisLink } from '../../src/revocation/redis.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { livesOf } from '../revocation/support.ts';

/** A link with all its log lines. */
export function linkTo(
  url: string,
  ...known: Revocation[]
): { readonly link: RedisLink; readonly lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (values: object, message: string): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(values)}`);
  const log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  const link = new RedisLink({
    url,
    clock: systemClock,
    log,
    lines: new ForeignLines({ lives: livesOf(), clock: systemClock, log, secret: undefined }),
    entries: 100,
    known: () => known,
    onRevocations: () => true,
  });
  return { link, lines };
}
