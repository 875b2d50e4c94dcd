/** The variables for `${NAME}`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substitution {
  readonly text: string;
  /** One sentence for each fault; names variables, never their values. */
  readonly faults: readonly string[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether the text is one variable and nothing else. */
export function isOneVariable(text: string): boolean {
  return /^\$\{[^}]*\}$/.test(text);
}

/** Whether the text has anything to replace, the escape `$${` too. */
export function hasVariables(text: string): boolean {
  return text.includes('${');
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` (for an unset or empty variable) and turns `$${` into `${`. It does not
 * replace anything inside inserted values.
 */
export function substitute(text: string, env: Environment): Substitution {
  const faults: string[] = [];
  const replaced = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (match, inside: string | undefined, end: string) => {
      if (inside === undefined) return '${';
      const [name = '', fallback] = split(inside);
      if (end === '' || !NAME.test(name)) {
        faults.push(
          `has a broken variable; must be \${NAME} or \${NAME:-default}, or $\${ for the characters \${`,
        );
        return match;
      }
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value === undefined) {
        faults.push(
          `needs the environment variable ${name}, which is not set; must be set, or written \${${name}:-default}`,
        );
      }
      return value ?? '';
    },
  );
  return { text: replaced, faults };
}

function split(inside: string): readonly [string, string | undefined] {
  const colon = inside.indexOf(':-');
  return colon < 0 ? [inside, undefined] : [inside.slice(0, colon), inside.slice(colon + 2)];
}

/** Other forms of variables: `$NAME` of shells, `$(NAME)` and `{{ NAME }}` of templates. */
const LOOSE_VARIABLE = /(?<![$\w])\$(?:[A-Z_][A-Z0-9_]+\b|\([A-Z_][A-Z0-9_]+\))|\{\{[^{}]*\}\}/;
const CURLY_QUOTE = /^[\u2018-\u201f\u00ab\u2039]|[\u2018-\u201f\u00bb\u203a]$/;

/** A warning on a part of the text that is hardly meant. It does not quote the text, which may be a secret. */
export function textSlip(text: string): string | undefined {
  if (CURLY_QUOTE.test(text)) {
    return 'begins or ends with a curly quote, which is part of the value; straight ones, " or \', are meant if it is to be quoted';
  }
  return LOOSE_VARIABLE.test(text)
    ? `holds a variable in a form that is not replaced, such as $NAME; \${NAME} is meant if it comes from the environment`
    : undefined;
}
