import type { ErrorCode } from 'yaml';

/** Messages by code. The library's own messages quote the text around the fault, which may be a secret. */
const texts: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_ALIAS: 'has a broken alias; must name an anchor set before it',
  BAD_DQ_ESCAPE: 'has an unknown escape in a text in double quotes; must be one of YAML, such as \\n',
  BAD_INDENT: 'is indented wrongly; must stand in line with its neighbours',
  BAD_SCALAR_START: 'has a text that starts with a reserved character; must be in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'has a mapping inside one line; must be `key: value`, the value in quotes when it holds ": "',
  BLOCK_IN_FLOW: 'has an indented block inside brackets; must be in bracket style too',
  DUPLICATE_KEY: 'has the same key twice in one mapping; must stand once',
  MISSING_CHAR: 'lacks a closing quote, bracket, comma or colon; must have one here',
  MULTILINE_IMPLICIT_KEY: 'has a key over several lines; must be on one line, followed by a colon',
  MULTIPLE_DOCS: 'has a second document; must be one',
  RESOURCE_EXHAUSTION: 'is nested too deeply; must be flatter',
  TAB_AS_INDENT: 'is indented with a tab; must be indented with spaces',
  TAG_RESOLVE_FAILED: 'has an unknown tag; must do without tags',
  UNEXPECTED_TOKEN: `has something here that does not belong; must be in quotes if it is one text with brackets or braces, such as "[::]:8080" or "\${NAME}"`,
};

export function yamlFaultText(code: ErrorCode): string {
  return texts[code] ?? 'is not valid YAML; must be YAML 1.2 or JSON';
}

/** A syntax error as a person sees it, with the offset of its cause. */
interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
}

interface LongQuote {
  readonly start: number;
  readonly end: number;
  readonly closed: boolean;
}

interface OpenMarks {
  readonly longQuotes: readonly LongQuote[];
  /** The offset of a bracket or brace that is not closed. */
  readonly openBracket: number | undefined;
}

/** Codes of a bracket that is not closed, or that a line with less indentation cuts off. */
const UNCLOSED: ReadonlySet<ErrorCode> = new Set(['BAD_INDENT', 'MISSING_CHAR']);

/**
 * The cause of a syntax error. The parser notices an open quote or bracket only later in the text, and takes a line that
 * is indented too deep for a continuation of the line above.
 * @param offset where the parser noticed the error.
 */
export function syntaxFault(
  text: string,
  code: ErrorCode,
  offset: number,
  { longQuotes, openBracket }: OpenMarks,
): SyntaxFault {
  const open = longQuotes.find(({ closed, end }) => !closed || text.slice(end, offset).trim() === '');
  if (open !== undefined && open.start <= offset) {
    const message = open.closed
      ? 'opens a quoted text that goes on to another line, and something stands right behind its end; must have its closing quote on this line'
      : 'opens a quote that is not closed; must have its closing quote on this line';
    return { offset: open.start, message };
  }
  if (openBracket !== undefined && openBracket <= offset && UNCLOSED.has(code)) {
    const closing = text.charAt(openBracket) === '[' ? ']' : '}';
    return {
      offset: openBracket,
      message: `opens ${text.charAt(openBracket)} and does not close it; must have ${closing} on this line, or on one that is indented deeper`,
    };
  }
  const continued = code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'MULTILINE_IMPLICIT_KEY';
  const [line = ''] = text.slice(offset).split('\n', 1);
  const next = /^[ ]*\S/.exec(text.slice(offset + line.length + 1));
  if (continued && !/:(\s|$)/.test(line) && next !== null) {
    return { offset: offset + line.length + next[0].length, message: texts.BAD_INDENT as string };
  }
  return { offset, message: yamlFaultText(code) };
}
