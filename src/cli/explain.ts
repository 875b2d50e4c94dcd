import type { Explanation } from '../explain/explain.ts';
import type { Question } from '../explain/question.ts';
import type { Tunnel } from '../explain/upgrade.ts';
import { systemClock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';

export interface ExplainArguments {
  readonly config?: string;
  readonly path: string;
  readonly method: string;
  readonly host: string;
  readonly offline?: boolean;
  readonly upgrade?: string;
  readonly origin?: string;
}

/** Characters of a token on standard input: the largest head that can be configured is no longer. */
const MAX_INPUT = 256 * 1024;

/** Characters of a path that are shown. */
const MAX_PATH = 1024;

/** Prints the verdict on one request with `token` (`-`: on standard input). @returns 0 if it would be let in, else 1 */
export async function explain(token: string | undefined, options: ExplainArguments): Promise<number> {
  const config = readConfig(findConfigFile(options.config));
  if (config === undefined) return exitCodes.config;
  const text = token === '-' ? await readInput() : token;
  const { explain: ask } = await import('../explain/explain.ts');
  const { path, method, host, origin, offline = false } = options;
  const upgrade = options.upgrade === undefined ? undefined : { protocol: options.upgrade, origin };
  const question = { path, method, host, token: text === undefined ? undefined : bare(text), upgrade };
  const explanation = await ask(config, question, { offline, clock: systemClock });
  process.stdout.write(`${linesOf(question, explanation).join('\n')}\n`);
  return explanation.refusal === undefined ? exitCodes.ok : exitCodes.refused;
}

/** The token, without the rest of the header if a user pasted the whole header. */
function bare(text: string): string {
  return text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
}

async function readInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += piece;
    if (text.length > MAX_INPUT) break;
  }
  return text;
}

function linesOf({ method, host, path, upgrade }: Question, explanation: Explanation): readonly string[] {
  const { route, issuer, checks, refusal, pathRule, tunnel } = explanation;
  const asks = upgrade === undefined ? '' : `, upgrade ${foreignText(upgrade.protocol)}`;
  const lines = [
    `request   ${foreignText(method)} ${foreignText(path, MAX_PATH)}, host ${foreignText(host)}${asks}`,
  ];
  if (pathRule !== undefined) {
    lines.push(
      'route     none: another reading of the request leads to a route that is guarded differently',
      `rule      ${pathRule}`,
    );
  } else if (route === undefined) lines.push('route     none');
  else {
    const tokens = route.auth === 'none' ? [] : route.auth;
    const auth =
      tokens.length > 0 ? `tokens of ${tokens.join(', ')}` : route.auth === 'none' ? 'public' : 'denied';
    lines.push(`route     ${route.name}, ${auth}, upstream ${route.upstream}`);
    if (tokens.length > 0) lines.push(`issuer    ${issuer ?? 'none'}`);
  }
  lines.push(...checks.map(lineOf));
  if (tunnel !== undefined) {
    return [
      ...lines,
      'answer    that of upstream: a valid 101 would open a tunnel',
      `end       ${endOf(tunnel)}`,
    ];
  }
  if (refusal === undefined) return [...lines, 'answer    that of upstream: the request would be let in'];
  const { reply, reason } = refusal;
  const [, ...headers] = reply.head.lines.split('\r\n');
  return [
    ...lines,
    `answer    ${reply.head.status} ${reason}`,
    ...headers.map((header) => `          ${header}`),
    `          ${Buffer.from(reply.body).toString().trimEnd()}`,
  ];
}

/** What becomes of a tunnel when its token ends. */
function endOf({ protocol, endsAt }: Tunnel): string {
  if (endsAt === Number.POSITIVE_INFINITY) return 'at no time of a token';
  const when = endsAt === undefined ? 'with its token' : new Date(endsAt * 1000).toISOString();
  const how =
    protocol === 'websocket' ? 'Close 1008 token_expired' : 'both connections are cut, token_expired';
  return `${when}: ${how}`;
}

function lineOf({ name, outcome, detail }: Explanation['checks'][number]): string {
  const mark = { pass: 'pass', fail: 'FAIL', 'not reached': '-' }[outcome];
  return `  ${mark.padEnd(6)}${name.padEnd(18)}${detail}`.trimEnd();
}
