/** Stands before the name of an environment variable in a word, and behind it; no file has these characters. */
const BEFORE = '\u{e000}';
const BEHIND = '\u{e001}';

const VARIABLE = /\u{e000}([^\u{e001}]*)\u{e001}/gu;

/** The words of a line, and the comment at its end. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** As written, without blanks at its ends. */
  readonly text: string;
  readonly words: readonly string[];
  /** Without `#`. */
  readonly comment: string | undefined;
  /** Set where HAProxy would not take the line either. */
  readonly fault?: string;
}

/** A default of an environment variable in HAProxy's form, `NAME-default`, or just its name. */
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[\*\])?(?:-([^}]*))?$/s;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Reads the words of one line: quotes, backslashes, comments and variables as HAProxy has them (section 2.2 and 2.3 of its manual). */
export function readLine(raw: string, number: number): Line {
  const source = raw.replace(/[\u{e000}\u{e001}\0]/gu, '\u{fffd}');
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let comment: string | undefined;
  let at = 0;
  while (at < source.length) {
    const letter = source[at] as string;
    if (quote === "'" && letter !== "'") {
      word += letter;
    } else if (letter === quote) {
      quote = '';
    } else if (quote === '' && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= '';
    } else if (letter === '\\') {
      const [text, length] = escaped(source, at, quote);
      word = (word ?? '') + text;
      at += length;
      continue;
    } else if (quote === '' && letter === '#') {
      comment = source.slice(at + 1).trim();
      break;
    } else if (quote === '' && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '"' && letter === '$') {
      const [text, length] = variable(source, at);
      word += text;
      at += length;
      continue;
    } else word = (word ?? '') + letter;
    at += 1;
  }
  if (word !== undefined) words.push(word);
  const line = { number, text: source.trim(), words, comment };
  return quote === '' ? line : { ...line, fault: 'a quote is not closed' };
}

/** The text of a backslash and what follows, and the characters that it takes. Other letters keep their backslash. */
function escaped(source: string, at: number, quote: string): readonly [string, number] {
  const next = source[at + 1] ?? '';
  const hex = /^[0-9a-f]{2}/i.exec(source.slice(at + 2, at + 4))?.[0];
  if (next === 'x' && hex !== undefined) return [String.fromCharCode(Number.parseInt(hex, 16)), 4];
  const plain = ESCAPES[next];
  if (plain !== undefined) return [plain, 2];
  const isOwn = quote === '"' ? /[\\"$ #']/ : /[\\"' #]/;
  return next !== '' && isOwn.test(next) ? [next, 2] : ['\\', 1];
}

/** A variable of the environment, `$NAME`, `${NAME}` or `${NAME-default}`, and the characters that it takes. */
function variable(source: string, at: number): readonly [string, number] {
  const rest = source.slice(at);
  const braced = /^\$\{([^}]*)\}/.exec(rest);
  const bare = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
  const [whole = '', inside = ''] = braced ?? bare ?? [];
  const [, name, fallback] = NAME.exec(inside) ?? [];
  if (name === undefined) return ['$', 1];
  return [`${BEFORE}${name}${fallback === undefined ? '' : `:-${fallback}`}${BEHIND}`, whole.length];
}

/** Whether the word has a variable of the environment. */
export function hasVariable(word: string): boolean {
  return word.includes(BEFORE);
}

/** The word with the values of its variables; undefined when one is not set. */
export function expanded(
  word: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  let isKnown = true;
  const text = word.replace(VARIABLE, (_, inside: string) => {
    const [name = '', fallback] = inside.split(/:-(.*)/s);
    const value = (Object.hasOwn(env, name) ? env[name] : undefined) ?? fallback;
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  return isKnown ? text : undefined;
}

/** The word as our configuration writes it: its variables as `${NAME}`, and a literal `${` escaped. */
export function written(word: string): string {
  return word.replaceAll('${', '$${').replace(VARIABLE, (_, inside: string) => `\${${inside}}`);
}
