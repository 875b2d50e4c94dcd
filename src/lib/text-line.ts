import { seenJson } from './foreign-text.ts';

/** How a line of pino begins; fields of the caller come later and may have the same names. */
const START = /^\{"level":"(\w+)"(?:,"time":"([^"]+)")?/;
/** Characters that neither separate nor quote, nor are invisible. */
const PLAIN = /^[!#-<>-[\]-~]+$/;
/** A message reads on beside its blanks. */
const PLAIN_MESSAGE = /^[ !#-<>-[\]-~]+$/;
/** A text that would read as another kind of value. */
const LITERAL = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/i;
const KEY = /^[\w.-]+$/;

/**
 * One line of text for one line of JSON of the log: time, level, message, then `key=value` for each field. Members of
 * objects have names with dots, and lists are JSON. Text with blanks, quotes or `=`, or that would read as a number, is a
 * JSON string. Nothing in a line controls a terminal.
 */
export function textLine(json: string): string {
  const [, level = 'info', time] = START.exec(json) ?? [];
  const { level: _level, time: _time, message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const words = [...(time === undefined ? [] : [time]), level, messageText(String(message ?? ''))];
  addFields(words, '', fields);
  return `${words.join(' ')}\n`;
}

/** `key=value` for each field, in the form of `textLine`. */
export function fieldsText(fields: object): string {
  const words: string[] = [];
  addFields(words, '', fields);
  return words.join(' ');
}

function messageText(message: string): string {
  return PLAIN_MESSAGE.test(message) ? message : quoted(message);
}

/** Adds `key=value` for each field. Pino bounds how deep objects are. */
function addFields(words: string[], prefix: string, fields: object): void {
  for (const [name, value] of Object.entries(fields)) {
    const key = prefix + (KEY.test(name) ? name : quoted(name));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      addFields(words, `${key}.`, value);
    else words.push(`${key}=${valueText(value)}`);
  }
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) && !LITERAL.test(value) ? value : quoted(value);
  return Array.isArray(value) ? quoted(JSON.stringify(value)) : String(value);
}

function quoted(text: string): string {
  return seenJson(JSON.stringify(text));
}
