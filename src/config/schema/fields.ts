import * as z from 'zod';
import type { ListenAddress, UnixAddress } from '../config.ts';
import { parseAddress, parseUnixPath } from './address.ts';
import {
  DURATION,
  formatDuration,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
  RATE,
  SIZE,
} from './units.ts';

/** The text of every message about a missing feature, by which readers and tests distinguish it from a mistake. */

interface Issue {
  readonly code?: string;
  readonly input?: unknown;
}

/** Makes the message of a field: the fault, and what would be right. It quotes no value, which may be a secret. */
export function must(right: string): (issue: Issue) => string {
  return (issue) => `${describe(issue.input)}; must be ${right}`;
}

function describe(value: unknown): string {
  if (value === null || value === '') return 'is empty';
  if (value === undefined) return 'is missing';
  if (typeof value === 'string') return 'does not fit';
  if (typeof value === 'number') return 'is a number';
  if (typeof value === 'boolean') return `is ${value}`;
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list';
  return 'is a mapping';
}

/** One line of text without control characters. */
export function text(right: string): z.ZodString {
  return pattern(right, /^[^\p{Cc}]{1,4096}$/u);
}

/** Matches a text with a part from the environment, which an editor cannot know. */
const FROM_ENVIRONMENT = { pattern: '\\$\\{' };

/** The rule of a text in the JSON Schema, for editors; `check` applies it when it resolves references. */
export function editorRule(rule: object, examples: readonly string[]): Record<string, unknown> {
  return { anyOf: [rule, FROM_ENVIRONMENT], examples };
}

export function pattern(right: string, expression: RegExp): z.ZodString {
  return z
    .string({ error: must(right) })
    .regex(expression, { error: must(right) })
    .meta({ title: right });
}

export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: must(words.join(words.length === 2 ? ' or ' : ', ')) });
}

export function flag(): z.ZodBoolean {
  return z.boolean({ error: must('true or false') });
}

/** Entries of a list: each is compared with every other one, and no file needs as many. */
const MAX_ENTRIES = 1000;

/** A list with at least one entry. */
export function list<Item extends z.ZodType>(
  item: Item,
  right: string,
  most: number = MAX_ENTRIES,
): z.ZodArray<Item> {
  return optionalList(item, right, most).min(1, { error: must(right) });
}

/** A list that may be empty. */
export function optionalList<Item extends z.ZodType>(
  item: Item,
  right: string,
  most: number = MAX_ENTRIES,
): z.ZodArray<Item> {
  return z
    .array(item, { error: must(right) })
    .max(most, { error: `has too many entries; must be at most ${most}` })
    .meta({ title: right });
}

/** One of several forms; `right` names them, in a message and as the title in the JSON Schema. */
export function either<const Forms extends readonly [z.ZodType, ...z.ZodType[]]>(
  forms: Forms,
  right: string,
): z.ZodUnion<Forms> {
  return z.union(forms, { error: must(right) }).meta({ title: right });
}

export function oneOrMany<Item extends z.ZodType>(
  item: Item,
  right: string,
): z.ZodUnion<[Item, z.ZodArray<Item>]> {
  return either([item, list(item, right)], right);
}

/** A mapping with these keys and no others. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape);
  return z.strictObject(shape, { error: must(`a mapping with the keys ${keys.join(', ')}`) });
}

/** A mapping from names of the user's choice. */
export function named<Value extends z.ZodType>(value: Value, what: string): z.ZodRecord<z.ZodString, Value> {
  const name = 'a name of letters, digits, ".", "_" and "-", at most 64, starting with a letter or digit';
  return z.record(pattern(name, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), value, {
    error: must(`a mapping from names of your own to ${what}`),
  });
}

/** Names in the path of a claim; claims of real tokens are two or three levels deep. */
const MAX_CLAIM_STEPS = 16;

/** The name of a claim, or the list of names that leads to it, in which dots are letters. */
export function claim(right: string): z.ZodUnion<[z.ZodString, z.ZodArray<z.ZodString>]> {
  return either([text(right), list(text(right), right, MAX_CLAIM_STEPS)], right);
}

/** Milliseconds from `min` to `max`. */
export function duration(min: number, max: number): z.ZodType<number, string> {
  const right = `a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as 250ms, 5s, 10m or 1h`;
  return z
    .string({ error: must(right) })
    .regex(DURATION, { error: must(right), abort: true })
    .meta({ title: right })
    .transform((value) => parseDuration(value) ?? Number.NaN)
    .refine((value) => value >= min && value <= max, { error: `is out of range; must be ${right}` });
}

/** Bytes from `min` to `max`. */
export function size(min: number, max: number): z.ZodType<number, string | number> {
  const right = `a size from ${formatSize(min)} to ${formatSize(max)}, such as 16KiB, 1MiB or plain bytes`;
  return z
    .union([z.int(), z.string().regex(SIZE, { error: must(right) })], { error: must(right) })
    .meta({ title: right })
    .transform((value) => parseSize(String(value)) ?? Number.NaN)
    .refine((value) => value >= min && value <= max, { error: `is out of range; must be ${right}` });
}

/** Bytes per second from `min` to `max`. */
export function rate(min: number, max: number): z.ZodType<number, string> {
  const right = `a rate from ${formatSize(min)}/s to ${formatSize(max)}/s, such as 1KiB/s`;
  return z
    .string({ error: must(right) })
    .regex(RATE, { error: must(right), abort: true })
    .meta({ title: right })
    .transform((value) => parseRate(value) ?? Number.NaN)
    .refine((value) => value >= min && value <= max, { error: `is out of range; must be ${right}` });
}

/** A whole number from `min` to `max`. It may be a text, because the environment has only texts. */
export function count(min: number, max: number): z.ZodType<number, string | number> {
  const right = `a whole number from ${min} to ${max}`;
  return z
    .union([z.int(), z.string().regex(/^\d{1,15}$/, { error: must(right) })], { error: must(right) })
    .meta({ title: right })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `is out of range; must be ${right}` });
}

/** A share from 1% to 100%, as a number up to 1. */
export function share(): z.ZodType<number, string> {
  const right = 'a share from 1% to 100%, such as 20%';
  return z
    .string({ error: must(right) })
    .regex(/^\d{1,3}%$/, { error: must(right), abort: true })
    .meta({ title: right })
    .transform((value) => Number.parseInt(value, 10) / 100)
    .refine((value) => value > 0 && value <= 1, { error: `is out of range; must be ${right}` });
}

const ADDRESS = 'an address such as 0.0.0.0:8080, "[::]:8080" or localhost:8080, with a port from 0 to 65535';

/** `host:port` as an address. */
export function address(): z.ZodType<{ host: string; port: number }, string> {
  return z
    .string({ error: must(ADDRESS) })
    .meta({ title: ADDRESS })
    .transform((value, context) => {
      const parsed = parseAddress(value);
      if (parsed !== undefined) return parsed;
      const isSocket = parseUnixPath(value) !== undefined;
      const what = isSocket ? 'is a unix socket, by which no webhook comes in' : describe(value);
      context.addIssue({ code: 'custom', message: `${what}; must be ${ADDRESS}` });
      return z.NEVER;
    });
}

export const ANY_ADDRESS = `${ADDRESS}, or unix:/path`;

/** `host:port`, or `unix:path` with the path as written. */
export function anyAddress(): z.ZodType<ListenAddress | UnixAddress, string> {
  const right = ANY_ADDRESS;
  return z
    .string({ error: must(right) })
    .meta({ title: right })
    .transform((value, context) => {
      const path = parseUnixPath(value);
      const parsed = path === undefined ? parseAddress(value) : { path };
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: must(right)({ input: value }) });
      return z.NEVER;
    });
}
