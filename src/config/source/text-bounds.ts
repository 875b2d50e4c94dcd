import { Lexer } from 'yaml';

/** Levels. A file of the documented form has five. Without the bound a deeper one could exhaust the parser's stack. */
const MAX_DEPTH = 64;
/** Aliases in the text, and aliases that they repeat: each costs a walk through the file to find its anchor. */
export const MAX_ALIASES = 100;
/**
 * Words, marks and quoted texts of the file. A key with its value has three to four; a thousand routes have a quarter of
 * the bound. Some checks compare each part with every other one, so this bounds their time.
 */
const MAX_TOKENS = 100_000;
/** Values of the file after aliases are replaced. */
const MAX_VALUES = 100_000;

/** A quoted text, from its opening quote to the end of its closing quote. */
interface Quoted {
  readonly start: number;
  readonly end: number;
  readonly closed: boolean;
}

interface Scan {
  /** The bound that the text exceeds, and what would be right; undefined: the text may be parsed. */
  readonly obstacle: string | undefined;
  /** Quoted texts of more than one line. */
  readonly longQuotes: readonly Quoted[];
  /** The offset of the first bracket or brace that is still open at the end of the text or at a line indented less. */
  readonly openBracket: number | undefined;
}

const BLANK = /^[\s\uFEFF]*$/;
/** Marks that the lexer puts before a document, and before a plain or block text. */
const SENTINELS: ReadonlySet<string> = new Set(['\u0002', '\u001f']);
/** The mark that the lexer puts where a line indented less ends open brackets. */
const BRACKETS_CUT = '\u0018';

/**
 * One pass over a text before it is parsed. It counts brackets, the `- - -` of nested lists on one line, aliases and
 * tokens, and stops at the first bound that the text exceeds.
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

/** Whether a value is too deep or too large after aliases are replaced. It stops as soon as that is clear. */
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
