import type { ErrorCode } from 'yaml';

/** The library's own messages quote the text around the fault, which may be a secret. */
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
