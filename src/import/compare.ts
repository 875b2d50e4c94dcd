import { fold } from '../http/path.ts';
import type { Cell, HostCell, PathCell } from './cell.ts';
import type { Test } from './condition.ts';
import type { Expression } from './expression.ts';

/** What a comparison is about, if a route can tell such requests apart. */
export type Subject = 'host' | 'path' | 'method';

const HOST_STEPS = new Set(['lower', 'host_only', 'field', 'word', 'regsub']);

/** The subject of a comparison; undefined for every other one. */
export function subjectOf(expression: Expression, { method, isKnown, patterns }: Test): Subject | undefined {
  const [fetch, ...steps] = expression;
  if (fetch === undefined || !isKnown) return undefined;
  const isHost =
    (fetch.name === 'req.hdr' && /^host$/i.test(fetch.args[0] ?? '')) || fetch.name === 'ssl_fc_sni';
  if (isHost) {
    const isPlain = steps.every(({ name, args }) => {
      if (!HOST_STEPS.has(name)) return false;
      if (name === 'field' || name === 'word') return args[0] === '1' && args[1] === ':';
      return name !== 'regsub' || (/^:/.test(args[0] ?? '') && !args[1]);
    });
    const isComparable = /^(?:str|beg|end|dom|sub)$/.test(method) && patterns.every(isHostPattern);
    return isPlain && isComparable ? 'host' : undefined;
  }
  if (steps.some(({ name }) => name !== 'lower')) return undefined;
  if (fetch.name === 'method') {
    return method === 'str' && patterns.every((text) => /^[A-Za-z-]{1,32}$/.test(text))
      ? 'method'
      : undefined;
  }
  const isPath = fetch.name === 'path' || (fetch.name === 'url' && method === 'beg');
  if (!isPath) return undefined;
  if (method === 'str' || method === 'beg') {
    const kind = method === 'str' ? 'exact' : 'prefix';
    return patterns.every((text) => isPathPattern({ kind, text })) ? 'path' : undefined;
  }
  if (method === 'dir') {
    return patterns.every((text) => isPathPattern({ kind: 'exact', text: dirPath(text) }))
      ? 'path'
      : undefined;
  }
  return /^(?:end|sub|reg)$/.test(method) ? 'path' : undefined;
}

/** The path of a directory: `path_dir static` and `path_dir /static/` mean the same. */
export function dirPath(pattern: string): string {
  return `/${pattern.replace(/^\/+|\/+$/g, '')}`;
}

function isHostPattern(pattern: string): boolean {
  return /^\.?[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.))*(?::\d{1,5})?$/.test(pattern) && pattern.length < 254;
}

const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,:@/=-]|%[89A-F][0-9A-F])*$/;

/** Whether a route can have the path: servers agree on what it is. */
function isPathPattern({ kind, text }: PathCell): boolean {
  if (text.length > 1024 || !PATH.test(text) || /\/\/|\/\.{1,2}(?:\/|$)/.test(text)) return false;
  return fold(kind === 'prefix' ? `${text}x` : text, Number.POSITIVE_INFINITY) !== undefined;
}

/** The name in a pattern for hosts, without port and in lower case. */
export function hostName(pattern: string): string {
  return pattern.replace(/:\d+$/, '').toLowerCase();
}

/** Whether all requests of a cell meet the comparison, or none; undefined where some may. */
export function compareHost(host: HostCell, test: Test): boolean | undefined {
  return anyOf(test.patterns, (pattern) => {
    const wanted = hostName(pattern);
    const bare = wanted.replace(/^\./, '');
    if (host.kind === 'any') return test.method === 'beg' || test.method === 'sub' ? undefined : false;
    const { name } = host;
    const isBelow = name.endsWith(`.${bare}`);
    if (host.kind === 'name') {
      if (test.method === 'str') return name === wanted;
      if (test.method === 'beg') return name.startsWith(wanted);
      if (test.method === 'sub') return name.includes(wanted);
      if (test.method === 'end') return name.endsWith(wanted);
      return name === bare || isBelow || `.${name}.`.includes(`.${bare}.`);
    }
    if (test.method === 'str') return false;
    if (test.method === 'end') return `.${name}`.endsWith(wanted);
    if (test.method === 'dom') return name === bare || isBelow || `.${name}.`.includes(`.${bare}.`);
    return test.method === 'sub' && `.${name}`.includes(wanted) ? true : undefined;
  });
}

/** The same for paths. */
export function comparePath(path: PathCell, test: Test): boolean | undefined {
  const fold = (text: string): string => (test.ignoresCase ? text.toLowerCase() : text);
  const text = fold(path.text);
  const isExact = path.kind === 'exact';
  return anyOf(test.patterns, (pattern) => {
    const wanted = fold(pattern);
    switch (test.method) {
      case 'str':
        return isExact && text === wanted;
      case 'beg':
        return text.startsWith(wanted);
      case 'sub':
        return text.includes(wanted) || (isExact ? false : undefined);
      case 'end':
        return isExact ? text.endsWith(wanted) : undefined;
      case 'dir': {
        const words = wanted.replace(/^\/+|\/+$/g, '');
        if (words === '') return undefined;
        const found = `${text}${isExact ? '/' : ''}`.includes(`/${words}/`);
        return found || (isExact ? false : undefined);
      }
      default:
        return isExact ? matches(path.text, pattern, test.ignoresCase) : undefined;
    }
  });
}

/** Expressions of others may take for ever, so only short ones without nested repetitions are tried. */
function matches(text: string, pattern: string, ignoresCase: boolean): boolean | undefined {
  if (pattern.length > 200 || /[*+}]\)?[*+{]|\([^)]*[*+{][^)]*\)[*+{]|\(\?/.test(pattern)) return undefined;
  try {
    return new RegExp(pattern, ignoresCase ? 'i' : '').test(text);
  } catch {
    return undefined;
  }
}

export function compareMethod({ method }: Cell, { patterns, ignoresCase }: Test): boolean {
  if (method === undefined) return false;
  return patterns.some((pattern) => (ignoresCase ? pattern.toUpperCase() === method : pattern === method));
}

/** True if any is, else undefined if any is, else false. */
function anyOf(
  patterns: readonly string[],
  judge: (pattern: string) => boolean | undefined,
): boolean | undefined {
  let result: boolean | undefined = false;
  for (const pattern of patterns) {
    const one = judge(pattern);
    if (one === true) return true;
    if (one === undefined) result = undefined;
  }
  return result;
}
