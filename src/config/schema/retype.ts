import type { KeyPath } from '../fault.ts';
import type { Source } from '../source/source.ts';

/** A number of YAML, without the octal and hexadecimal forms. */
const NUMBER = /^[-+]?\d{1,15}(\.\d{1,15})?$/;

/**
 * Converts a text that is one variable of the environment to a type that its place requires.
 * @returns whether it has converted the text; any other text stays and is a fault.
 */
export function retype(
  root: { value: unknown },
  path: KeyPath,
  types: readonly string[] | undefined,
  source: Source,
): boolean {
  if (types === undefined || types.length === 0 || !source.isVariable(path)) return false;
  const holder = holderOf(root, path);
  const last = path.at(-1) ?? '';
  const text = holder?.[last];
  if (holder === undefined || typeof text !== 'string') return false;
  if (types.includes('boolean') && (text === 'true' || text === 'false')) holder[last] = text === 'true';
  else if (types.some((type) => type === 'number' || type === 'int') && NUMBER.test(text)) {
    holder[last] = Number(text);
  } else return false;
  return true;
}

/** The mapping or list that holds a value. */
export function holderOf(
  root: { value: unknown },
  path: KeyPath,
): Record<string | number, unknown> | undefined {
  let holder: unknown = root.value;
  for (const step of path.slice(0, -1)) {
    holder = Array.isArray(holder) ? holder[Number(step)] : isMapping(holder) ? holder[step] : undefined;
  }
  return typeof holder === 'object' && holder !== null
    ? (holder as Record<string | number, unknown>)
    : undefined;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
