import { foreignJson } from '../lib/foreign-text.ts';

/** A place in the configuration: keys and list indexes from the top. */
export type KeyPath = readonly (string | number)[];

/** Faults that are reported at once: more than a user mends before the next check, and few enough to stay quick. */
export const MAX_FAULTS = 200;

export interface Fault {
  readonly file: string;
  /** From 1; 0 when the configuration is an object and has no lines. */
  readonly line: number;
  readonly column: number;
  /** `issuers.app.keys.pem`, `routes[0].match`. */
  readonly path: string;
  /** What is wrong, and what would be right. Never quotes a secret, or a value from the environment. */
  readonly message: string;
}

/** `file:line:column: key.path: what is wrong; what would be right`. */
export function formatFault(fault: Fault): string {
  const place = fault.line === 0 ? fault.file : `${fault.file}:${fault.line}:${fault.column}`;
  return `${place}: ${fault.path}: ${fault.message}`;
}

/** `a.b[2].c`; a key with other characters is quoted as in JSON. */
export function formatPath(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) text += `[${foreignJson(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text === '' ? 'configuration' : text;
}

/** The faults in the order of the file, each once. The last one of a long list says how many more there are at least. */
export function sortFaults(faults: readonly Fault[]): readonly Fault[] {
  const seen = new Set<string>();
  const sorted = [...faults]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .filter((fault) => {
      const text = formatFault(fault);
      return !seen.has(text) && seen.add(text);
    });
  const last = sorted[MAX_FAULTS - 1];
  if (last === undefined) return sorted;
  const more = sorted.length - MAX_FAULTS;
  const message = `has ${more === 0 ? '' : `at least ${more} `}more faults, which are not shown; must be mended up to here first`;
  return [...sorted.slice(0, MAX_FAULTS), { ...last, path: formatPath([]), message }];
}
