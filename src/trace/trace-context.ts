import { TRACEPARENT, TRACESTATE } from '../http/field-names.ts';
import { randomHex } from '../lib/random-hex.ts';

/** A version that no field has (Trace Context §3.2.2.1). */
const INVALID_VERSION = 'ff';
/** Version, trace id, parent id and flags of version 00; later versions begin in the same way. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_PARENT = '0'.repeat(16);
/** The bit of the flags by which the caller has recorded the trace, and the one by which its id is random. */
const SAMPLED = 1;
const RANDOM = 2;

/** List members, and characters of all of them, that are carried on (Trace Context §3.3.1.1, §3.3.1.5). */
const MAX_MEMBERS = 32;
const MAX_STATE = 512;
/** A key, alone or as a tenant with its system, and a value without a blank at its end (Trace Context §3.3.1.3). */
const MEMBER =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** The trace to which a request belongs, as its sender says. */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case. */
  readonly traceId: string;
  /** The sender's span: 16 digits. */
  readonly parentId: string;
  readonly sampled: boolean;
  /** The trace id is random (Trace Context level 2). */
  readonly random: boolean;
  /** The members of `tracestate`, joined by commas; empty where there are none or one is malformed. */
  readonly state: string;
}

/**
 * Reads a trace context (W3C Trace Context §3.2, §3.3). Undefined when `traceparent` is not there exactly once or is
 * malformed; then `tracestate` counts for nothing.
 * @param parents, states values of the fields, in their order.
 */
export function readTraceContext(
  parents: readonly string[],
  states: readonly string[],
): TraceContext | undefined {
  const [, version = '', traceId = '', parentId = '', flags = '', more] =
    (parents.length === 1 && PARENT.exec((parents[0] as string).trim())) || [];
  if (version === '' || version === INVALID_VERSION || traceId === NO_TRACE || parentId === NO_PARENT)
    return undefined;
  if (version === '00' && more !== undefined) return undefined;
  const bits = Number.parseInt(flags, 16);
  return {
    traceId,
    parentId,
    sampled: (bits & SAMPLED) !== 0,
    random: (bits & RANDOM) !== 0,
    state: readState(states),
  };
}

/** A trace that begins here. */
export function newTrace(sampled: boolean): TraceContext {
  return { traceId: newId(16, NO_TRACE), parentId: '', sampled, random: true, state: '' };
}

/** A new span id: 16 hexadecimal digits. */
export function newSpanId(): string {
  return newId(8, NO_PARENT);
}

/** The lines of a trace for a request whose sender is the span. */
export function traceLines(
  { traceId, random, state }: TraceContext,
  spanId: string,
  sampled: boolean,
): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  const parent = `${TRACEPARENT}: 00-${traceId}-${spanId}-0${flags}\r\n`;
  return state === '' ? parent : `${parent}${TRACESTATE}: ${state}\r\n`;
}

function readState(values: readonly string[]): string {
  const members = values
    .flatMap((value) => value.split(','))
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  if (members.length > MAX_MEMBERS || keys.size < members.length) return '';
  const state = members.join(',');
  return state.length <= MAX_STATE && members.every((member) => MEMBER.test(member)) ? state : '';
}

/** @param none the id that must not be. */
function newId(bytes: number, none: string): string {
  const id = randomHex(bytes);
  return id === none ? newId(bytes, none) : id;
}
