import { hopByHop } from '../../http/field-names.ts';
import { isToken } from '../../http/token.ts';
import type { ResponseHeadersConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileResponseHeaders } from '../schema/response-headers.ts';
import type { Findings } from './findings.ts';

/** Headers that one route sets, and that it removes: each response is searched for them. */
const MAX_HEADERS = 32;
/** Bytes of all names and values that one route sets: clients take some 16 KiB of a head, and upstream's part comes first. */
const MAX_BYTES = 8192;
/** Characters of a name; real ones have below 64. */
const MAX_NAME = 256;

/** Fields that frame the message, belong to the connection, describe the form of the body, or are written by the front. */
const RESERVED: ReadonlySet<string> = new Set([
  ...hopByHop,
  'content-encoding',
  'content-range',
  'date',
  'host',
]);

/** Checks the header fields that a route writes into responses. Undefined when it changes none. */
export function resolveResponseHeaders(
  headers: FileResponseHeaders | undefined,
  path: KeyPath,
  findings: Findings,
): ResponseHeadersConfig | undefined {
  const set = Object.entries(headers?.set ?? {});
  const remove = headers?.remove ?? [];
  const seen = new Set<string>();
  const add = (name: string, at: KeyPath, where: 'key' | 'value'): void => {
    const obstacle = whyNot(name, seen);
    if (obstacle !== undefined) findings.fault(at, obstacle, where);
    seen.add(name.toLowerCase());
  };
  for (const [name] of set) add(name, [...path, 'set', name], 'key');
  remove.forEach((name, index) => {
    add(name, [...path, 'remove', index], 'value');
  });
  for (const [key, entries] of [
    ['set', set],
    ['remove', remove],
  ] as const) {
    if (entries.length <= MAX_HEADERS) continue;
    findings.fault([...path, key], `has ${entries.length} entries; must be at most ${MAX_HEADERS}`);
  }
  const bytes = set.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes > MAX_BYTES) {
    findings.fault([...path, 'set'], `has ${bytes} bytes of names and values; must be at most ${MAX_BYTES}`);
  }
  return set.length === 0 && remove.length === 0 ? undefined : { set: new Map(set), remove };
}

function whyNot(name: string, seen: ReadonlySet<string>): string | undefined {
  if (name.length > MAX_NAME || !isToken(name)) {
    return 'is not a header name; must be letters, digits and "-" such as X-Frame-Options';
  }
  if (RESERVED.has(name.toLowerCase())) {
    return 'is a header of the connection, the framing or the body; must be left out, because the gateway writes or keeps it';
  }
  return seen.has(name.toLowerCase()) ? 'stands here twice; must stand once' : undefined;
}
