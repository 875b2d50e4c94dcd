import { Lexer } from 'yaml';

/** Levels. A file of the documented form is five levels deep; the parser's stack must not be what ends a deeper one. */
const MAX_DEPTH = 64;
/** Aliases in the text, and again all that they bring with them: finding an anchor costs a walk through the file. */
export const MAX_ALIASES = 100;
/**
 * Words, marks and quoted texts of the file. A key with its value is three to four; a thousand routes are a quarter of
 * it. Some steps of a check compare each part with each other one, so that this bounds its time.
 */
const MAX_TOKENS = 100_000;
/** Values of the file once aliases stand for what they name. */
const MAX_VALUES = 100_000;

/** A text in quotes, from its opening quote to behind its closing one. */
interface Quoted {
  readonly start: number;
  readonly end: number;
  readonly closed: boolean;
}

interface Scan {
  /** What the text has too much of, and what would be right; undefined: it may be parsed. */
  readonly obstacle: string | undefined;
  /** The quoted texts that go over more than one line. */
  readonly longQuotes: readonly Quoted[];
  /** Where the first bracket or brace stands that is not closed before the text, or a line indented less, ends it. */
  readonly openBracket: number | undefined;
}

const BLANK = /^[\s\uFEFF]*$/;
/** What the lexer puts before a document, and before a plain or block text. */
const SENTINELS: ReadonlySet<string> = new Set(['\u0002', '\u001f']);
/** What the lexer puts where a line that is indented less ends open brackets. */
const BRACKETS_CUT = '\u0018';

/**
 * One pass over a text before it is parsed. Counts brackets, the `- - -` of nested lists on one line, aliases and
 * tokens; stops at the first bound that is passed.
 */
export function scanText(text: string): Scan {
  const longQuotes: Quoted[] = [];
  let openBracket: number | undefined;
  const brackets: number[] = [];
  const stop = (obstacle: string): Scan => ({ obstacle, longQuotes, openBracket });
  let at = 0;
  let open = 0;
  let dashes = 0;
  let aliases = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    if (SENTINELS.has(token)) continue;
    if (token === BRACKETS_CUT) {
      openBracket ??= brackets.at(-1);
      brackets.length = 0;
      continue;
    }
    const start = at;
    at += token.length;
    if (token === '[' || token === '{') {
      open += 1;
      brackets.push(start);
    } else if (token === ']' || token === '}') {
      open = Math.max(0, open - 1);
      brackets.pop();
    } else if (token === '-' || token === '?') dashes += 1;
    else if (!BLANK.test(token) || token.includes('\n')) dashes = 0;
    if (open > MAX_DEPTH || dashes > MAX_DEPTH) {
      return stop(`is nested deeper than ${MAX_DEPTH} levels; must be flatter`);
    }
    if (BLANK.test(token) || token.startsWith('#')) continue;
    tokens += 1;
    if (token.startsWith('*')) aliases += 1;
    if (aliases > MAX_ALIASES) {
      return stop(`has more than ${MAX_ALIASES} aliases; must repeat what they stand for`);
    }
    if (tokens > MAX_TOKENS) {
      return stop(`has more than ${MAX_TOKENS} keys, values and marks; must be a smaller file`);
    }
    if (/^["']/.test(token)) {
      const closed = isClosed(token);
      if (!closed || token.includes('\n')) longQuotes.push({ start, end: at, closed });
    }
  }
  return { obstacle: undefined, longQuotes, openBracket: openBracket ?? brackets.at(-1) };
}

function isClosed(token: string): boolean {
  const quote = token.charAt(0);
  if (token.length < 2 || !token.endsWith(quote)) return false;
  let at = 1;
  while (at < token.length - 1) at += quote === '"' && token.charAt(at) === '\\' ? 2 : 1;
  return at === token.length - 1;
}

/** Whether a value is too deep or too large, aliases counted as what they stand for; looks no further than that. */
export function isOversized(value: unknown): boolean {
  let values = 0;
  const isOver = (part: unknown, levels: number): boolean => {
    values += 1;
    if (values > MAX_VALUES) return true;
    if (typeof part !== 'object' || part === null) return false;
    return levels === 0 || Object.values(part).some((member) => isOver(member, levels - 1));
  };
  return isOver(value, MAX_DEPTH);
}
