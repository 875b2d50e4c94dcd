import type { Chance } from './chance.ts';
import { gateOf, takesPartner, whereOf } from './config.ts';
import { echoed, judged, SPOOF } from './echo.ts';
import { type Expected, headOnly, refused } from './expected.ts';
import type { History } from './history.ts';
import { type SoakRequest, soakRequest } from './request.ts';
import type { Token, Tokens } from './tokens.ts';

/** The material of requests. */
export interface Stock {
  readonly tokens: Tokens;
  /** Version of the configuration in force. */
  readonly version: History<number>;
}

const pathBelow = (root: string, chance: Chance): string => `${root}/${chance.below(1e9)}`;

/** With a token that was used before. */
export function hit(stock: Stock, chance: Chance): SoakRequest {
  return simple('hit', stock.tokens.known(chance), pathBelow('/api', chance));
}

/** With a new token. */
export function miss(stock: Stock, chance: Chance): SoakRequest {
  return simple('miss', stock.tokens.fresh(), pathBelow('/api', chance));
}

/** With a token that has been revoked, or whose key has left, or is about to. */
export function dead(stock: Stock, chance: Chance): SoakRequest {
  const token = stock.tokens.dead(chance);
  return token === undefined ? miss(stock, chance) : simple('dead token', token, pathBelow('/api', chance));
}

export function head(stock: Stock, chance: Chance): SoakRequest {
  const { text, sub, ...token } = stock.tokens.known(chance);
  const path = pathBelow('/api', chance);
  const good = echoed({ method: 'HEAD', path, token: text, sub });
  const right = judged({ text, sub, ...token }, good);
  return soakRequest({
    kind: 'head alone',
    method: 'HEAD',
    path,
    token: text,
    fields: SPOOF,
    right: (from, to) => right(from, to).map(headOnly),
  });
}

/** A path that another version of the configuration sends to another upstream. */
export function where(stock: Stock, chance: Chance): SoakRequest {
  return perVersion('where', stock, chance, (version, good) => [good(whereOf(version))]);
}

/** A path that another version opens, closes, or does not know. */
export function gate(stock: Stock, chance: Chance): SoakRequest {
  return perVersion('gate', stock, chance, (version, good) => {
    const gate = gateOf(version);
    if (gate === 'open') return [good('a')];
    return gate === 'absent' ? 'absent' : [refused(403, 'scope_insufficient', { scope: 'never' })];
  });
}

/** With a token of an issuer that not every version knows. */
export function partner(stock: Stock, chance: Chance): SoakRequest {
  const sub = `partner${chance.below(100)}`;
  const token = stock.tokens.partner(sub);
  const path = pathBelow('/api', chance);
  const good = echoed({ path, token, sub });
  return soakRequest({
    kind: 'partner',
    path,
    token,
    fields: SPOOF,
    right: (from, to) =>
      stock.version
        .between(from, to)
        .map((version) => (takesPartner(version) ? good : refused(401, 'algorithm_not_allowed'))),
  });
}

function simple(kind: string, token: Token, path: string): SoakRequest {
  const { text, sub } = token;
  return soakRequest({
    kind,
    path,
    token: text,
    fields: SPOOF,
    right: judged(token, echoed({ path, token: text, sub })),
  });
}

/** @param rule the right result for a good token; `absent`: no route, so that the token is not read. */
function perVersion(
  kind: string,
  { tokens, version }: Stock,
  chance: Chance,
  rule: (version: number, good: (by: 'a' | 'b') => Expected) => readonly Expected[] | 'absent',
): SoakRequest {
  const token = tokens.known(chance);
  const { text, sub } = token;
  const path = pathBelow(`/${kind}`, chance);
  const good = (by: 'a' | 'b'): Expected => echoed({ path, token: text, sub, by });
  return soakRequest({
    kind,
    path,
    token: text,
    fields: SPOOF,
    right: (from, to) =>
      version.between(from, to).flatMap((one) => {
        const wanted = rule(one, good);
        if (wanted === 'absent') return [refused(404, 'route_not_found')];
        return wanted.flatMap((expected) => judged(token, expected)(from, to));
      }),
  });
}
