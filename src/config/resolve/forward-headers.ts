import { fieldSpelling, hopByHop, PASSED, TRACEPARENT, TRACESTATE } from '../../http/field-names.ts';
import { isToken } from '../../http/token.ts';
import type { ClaimHeader, ForwardConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileForward } from '../schema/forward.ts';
import type { Findings } from './findings.ts';
import { checkClaimPath } from './require.ts';

/** Characters of a header name; real ones have below 64. */
const MAX_NAME = 256;

/** Fields that belong to one hop, describe the message or the request, or are set by the gateway. */
const RESERVED: ReadonlySet<string> = new Set([
  ...hopByHop,
  'authorization',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'forwarded',
  'host',
  'max-forwards',
  'range',
  TRACEPARENT,
  TRACESTATE,
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  PASSED,
]);

type Added = Pick<ForwardConfig, 'headers' | 'payload' | 'set' | 'remove'>;

/** Checks the fields that a route writes for its upstream. Faults go to the findings. */
export function resolveHeaders(forward: FileForward, path: KeyPath, findings: Findings): Added {
  const names = new Names(findings);
  const headers = new Map<string, string | ClaimHeader>();
  for (const [name, mapping] of Object.entries(forward.headers)) {
    const at = [...path, 'headers', name];
    names.add(name, at, 'key');
    const isShort = typeof mapping === 'string' || Array.isArray(mapping);
    const { claim, as: form } = isShort ? { claim: mapping, as: 'auto' as const } : mapping;
    checkClaimPath(claim, isShort ? at : [...at, 'claim'], 'value', findings);
    headers.set(name, form === 'auto' && typeof claim === 'string' ? claim : { claim, as: form });
  }
  const { payload } = forward;
  if (payload !== undefined) names.add(payload, [...path, 'payload'], 'value');
  const set = new Map(Object.entries(forward.set ?? {}));
  for (const name of set.keys()) names.add(name, [...path, 'set', name], 'key');
  const remove = forward.remove ?? [];
  remove.forEach((name, index) => {
    names.add(name, [...path, 'remove', index], 'value');
  });
  return {
    headers,
    ...(payload === undefined ? {} : { payload }),
    ...(set.size === 0 ? {} : { set }),
    ...(remove.length === 0 ? {} : { remove }),
  };
}

/** The fields that a route writes, in the spelling of `fieldSpelling`. */
export function writtenSpellings({ headers, payload, set, remove = [] }: Added): readonly string[] {
  const names = [...headers.keys(), ...(payload === undefined ? [] : [payload]), ...(set?.keys() ?? [])];
  return [...names, ...remove].map(fieldSpelling);
}

/** Why a field can neither be written nor carry a token, and what would be right; undefined when it can. */
export function whyNoHeader(name: string): string | undefined {
  if (name.length > MAX_NAME || !isToken(name)) {
    return 'is not a header name; must be letters, digits and "-" such as X-User-Id';
  }
  return RESERVED.has(fieldSpelling(name))
    ? 'is a header with a meaning of its own; must be another such as X-User-Id'
    : undefined;
}

/** Refuses a field that a route writes twice. */
class Names {
  readonly #seen = new Map<string, string>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  add(name: string, at: KeyPath, where: 'key' | 'value'): void {
    const spelling = fieldSpelling(name);
    const twin = this.#seen.get(spelling);
    const obstacle =
      whyNoHeader(name) ??
      (twin === undefined
        ? undefined
        : `is the same header as ${twin} for many servers; must differ in more than case, "-", "_" and other marks`);
    if (obstacle !== undefined) this.#findings.fault(at, obstacle, where);
    this.#seen.set(spelling, name);
  }
}
