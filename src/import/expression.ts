/** A fetch or a converter: `req.hdr(host)`, `lower`. */
export interface Call {
  readonly name: string;
  readonly args: readonly string[];
}

/** A fetch and the converters behind it. */
export type Expression = readonly Call[];

/** Characters of an expression; real ones have below 300. */
const MAX_LENGTH = 4096;

/** Names of the same fetch. */
const FETCHES: Readonly<Record<string, string>> = {
  hdr: 'req.hdr',
  'req.fhdr': 'req.hdr',
  cook: 'req.cook',
  url_param: 'urlp',
  pathq: 'url',
  req_ssl_sni: 'ssl_fc_sni',
  'req.ssl_sni': 'ssl_fc_sni',
};

/** Reads an expression out of a word; undefined for what is none. */
export function readExpression(word: string): Expression | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const calls: Call[] = [];
  let at = 0;
  do {
    const name = /^[A-Za-z0-9_.-]+/.exec(word.slice(at))?.[0];
    if (name === undefined) return undefined;
    at += name.length;
    let args: readonly string[] = [];
    if (word[at] === '(') {
      const read = readArguments(word, at + 1);
      if (read === undefined) return undefined;
      [args, at] = read;
    }
    calls.push(calls.length === 0 ? { name: FETCHES[name] ?? name, args } : { name, args });
    if (at === word.length) return calls;
    at += 1;
  } while (word[at - 1] === ',');
  return undefined;
}

/** The arguments from `at` to the closing parenthesis, and the place behind it. Quotes protect commas and parentheses. */
function readArguments(word: string, start: number): readonly [readonly string[], number] | undefined {
  const args: string[] = [];
  let text = '';
  let quote = '';
  let depth = 0;
  for (let at = start; at < word.length; at += 1) {
    const letter = word[at] as string;
    if (letter === quote) quote = '';
    else if (quote !== '') text += letter;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '\\' && at + 1 < word.length) {
      at += 1;
      text += word[at];
    } else if (letter === ')' && depth === 0) {
      if (text !== '' || args.length > 0) args.push(text);
      return [args, at + 1];
    } else if (letter === ',' && depth === 0) {
      args.push(text);
      text = '';
    } else {
      if (letter === '(') depth += 1;
      if (letter === ')') depth -= 1;
      text += letter;
    }
  }
  return undefined;
}

/** The expression as text, the same for equal ones. */
export function expressionText(expression: Expression): string {
  return expression
    .map(({ name, args }) =>
      args.length === 0 ? name : `${name}(${args.map((arg) => JSON.stringify(arg)).join(',')})`,
    )
    .join(',');
}
