import { type Acls, readCondition, type Surroundings } from './condition.ts';
import { readExpression } from './expression.ts';
import { readMap } from './map.ts';
import type { Action, Rule, Rules } from './rule.ts';
import type { Entry } from './sections.ts';

/** Actions that neither refuse a request nor change what upstream sees of it. */
const HARMLESS =
  /^(?:set-log-level|set-nice|set-tos|set-mark|set-fc-|set-bc-|capture|track-sc|sc-|early-hint|set-priority-|strict-mode|disable-l7-retry|cache-use|cache-store|wait-for-|normalize-uri|add-acl|del-acl|set-map|del-map|set-src|inspect-delay|expect-proxy|expect-netscaler-cip|set-bandwidth-limit|set-timeout|set-retries)/;
const REWRITES =
  /^(?:set-path|set-pathq|set-uri|set-query|set-method|replace-path|replace-pathq|replace-uri|replace-header|replace-value)$/;
const DENIALS = new Set(['deny', 'tarpit', 'reject', 'silent-drop', 'auth', 'block']);

/** Header fields by which a proxy or a server chooses what it serves. */
const TARGET_FIELDS =
  /^(?:host|content-length|transfer-encoding|connection|upgrade|authorization|cookie|content-type)$/i;

/** Reads the rules of a proxy. */
export function readRules(lines: readonly Entry[], acls: Acls, surroundings: Surroundings): Rules {
  const stages: Record<keyof Rules, Rule[]> = {
    connection: [],
    content: [],
    request: [],
    redirect: [],
    choice: [],
    response: [],
  };
  for (const entry of lines) {
    const place = stageOf(entry.words);
    if (place === undefined) continue;
    const { stage, words } = place;
    for (const { action, rest } of readActions(stage, words, surroundings)) {
      const condition = readCondition(rest, acls, surroundings);
      const obscure =
        entry.under.length > 0
          ? entry.under.join(' ')
          : typeof condition === 'string'
            ? condition
            : undefined;
      const rule: Rule = {
        entry,
        action,
        condition: typeof condition === 'string' ? undefined : condition,
        obscure,
      };
      stages[stage].push(rule);
    }
  }
  return stages;
}

/** The stage of a line, and its words from the action on; undefined for a line that is no rule. */
function stageOf(words: readonly string[]): { stage: keyof Rules; words: readonly string[] } | undefined {
  const [keyword = '', second = ''] = words;
  if (keyword === 'http-request') return { stage: 'request', words: words.slice(1) };
  if (keyword === 'redirect') return { stage: 'redirect', words };
  if (keyword === 'use_backend' || keyword === 'monitor-uri' || keyword === 'monitor') {
    return { stage: keyword === 'use_backend' ? 'choice' : 'connection', words };
  }
  if (keyword === 'http-response' || keyword === 'http-after-response')
    return { stage: 'response', words: words.slice(1) };
  if (keyword === 'tcp-request') {
    return {
      stage: second === 'content' ? 'content' : 'connection',
      words: words.slice(second === 'inspect-delay' ? 1 : 2),
    };
  }
  if (keyword === 'tcp-response' && second === 'content') return { stage: 'response', words: words.slice(2) };
  if (keyword === 'stats' && second === 'uri')
    return { stage: 'redirect', words: ['stats-uri', words[2] ?? ''] };
  if (keyword === 'filter' && !/^(?:compression|cache|trace|bwlim-)/.test(second))
    return { stage: 'connection', words: ['filter'] };
  return undefined;
}

type Read = { readonly action: Action; readonly rest: readonly string[] };

function readActions(
  stage: keyof Rules,
  words: readonly string[],
  surroundings: Surroundings,
): readonly Read[] {
  const [name = ''] = words;
  const end = words.findIndex((word, at) => at > 0 && (word === 'if' || word === 'unless'));
  const rest = end < 0 ? [] : words.slice(end);
  const args = words.slice(1, end < 0 ? undefined : end);
  const one = (action: Action): readonly Read[] => [{ action, rest }];
  if (stage === 'response') return readResponse(name, args, rest);
  if (name === 'use_backend') return readChoice(args[0] ?? '', rest, surroundings);
  if (name === 'monitor-uri' || name === 'stats-uri') {
    const method = name === 'stats-uri' ? 'beg' : 'str';
    return [
      { action: { kind: 'answer' }, rest: ['if', '{', 'path', '-m', method, '--', args[0] ?? '', '}'] },
    ];
  }
  if (DENIALS.has(name)) {
    const denial = readDenial(name, words.slice(1));
    return [{ action: denial.action, rest: words.slice(1 + denial.taken) }];
  }
  if (name === 'allow' || name === 'accept') return one({ kind: 'allow' });
  if (name === 'redirect') {
    const isHttps = args[0] === 'scheme' && args[1]?.toLowerCase() === 'https';
    return one({ kind: isHttps ? 'https' : 'answer' });
  }
  if (name === 'return') return one({ kind: 'answer' });
  const variable = /^(set-var|unset-var|set-var-fmt)\((?:[^,()]+)/.exec(name);
  if (variable !== null) {
    const target = name.slice(name.indexOf('(') + 1).split(/[,)]/)[0] ?? '';
    if (variable[1] === 'unset-var') return one({ kind: 'unset-var', name: target });
    const isPlain = variable[1] === 'set-var' && !name.includes(',');
    const expression = isPlain ? readExpression(args.join('')) : undefined;
    return one({ kind: 'set-var', name: target, expression });
  }
  if (name === 'set-header' || name === 'add-header' || name === 'del-header') {
    const [field = '', value] = args;
    const matches = name === 'del-header' && args[1] === '-m' && args[2] !== 'str';
    if (TARGET_FIELDS.test(field) || matches) return one({ kind: 'rewrite' });
    return one({
      kind: 'header',
      name: field,
      value: name === 'del-header' ? undefined : (value ?? ''),
      of: 'request',
    });
  }
  if (REWRITES.test(name)) return one({ kind: 'rewrite' });
  return HARMLESS.test(name) ? [] : one({ kind: 'foreign' });
}

function readResponse(name: string, args: readonly string[], rest: readonly string[]): readonly Read[] {
  if (name === 'set-header' || name === 'add-header' || name === 'del-header') {
    const [field = '', value] = args;
    const action: Action = {
      kind: 'header',
      name: field,
      value: name === 'del-header' ? undefined : (value ?? ''),
      of: 'response',
    };
    return [{ action, rest }];
  }
  const refuses = DENIALS.has(name) || name === 'return' || name === 'redirect' || name.startsWith('lua.');
  return refuses
    ? [{ action: { kind: 'deny', status: 502, contentType: undefined, body: undefined }, rest }]
    : [];
}

/** `use_backend NAME`, or one that looks the name up in a map. */
function readChoice(target: string, rest: readonly string[], surroundings: Surroundings): readonly Read[] {
  if (!target.includes('%[')) return [{ action: { kind: 'backend', name: target }, rest }];
  const rows = rest.length === 0 ? readMap(target, surroundings) : undefined;
  if (rows === undefined) return [{ action: { kind: 'foreign' }, rest }];
  return rows.map(({ words, backend }) => ({ action: { kind: 'backend', name: backend }, rest: words }));
}

const USUAL_STATUS: Readonly<Record<string, number>> = {
  tarpit: 500,
  auth: 401,
  'silent-drop': 0,
  reject: 0,
};

/** The words of a denial before its condition. */
function readDenial(name: string, words: readonly string[]): { action: Action; taken: number } {
  let status = USUAL_STATUS[name] ?? 403;
  let contentType: string | undefined;
  let body: string | undefined;
  let at = 0;
  while (at < words.length) {
    const [word = '', value = ''] = words.slice(at);
    if (word === 'if' || word === 'unless') break;
    if (word === 'deny_status' || word === 'status') status = Number(value);
    else if (word === 'content-type') contentType = value;
    else if (word === 'string') body = value;
    at += word === 'hdr' ? 3 : /^default-errorfiles$/.test(word) ? 1 : 2;
  }
  return { action: { kind: 'deny', status, contentType, body }, taken: Math.min(at, words.length) };
}
