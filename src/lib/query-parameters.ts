/** Escapes of ASCII, which alone can hide a name that is made of it. */
const asciiEscape = /%([0-7][0-9A-Fa-f])/g;

/**
 * The values of all parameters of one name in a query, as sent. Names are compared with their escapes decoded, once,
 * because servers do; `;` begins a parameter too, but only some of them believe that, so whatever stands beside one
 * is given with it, and no caller can take it for a clean value.
 */
export function parameterValues(query: string, name: string): readonly string[] {
  if (!query.includes('%') && !query.includes(name)) return [];
  const values: string[] = [];
  for (const parameter of query.split('&')) {
    if (nameOf(parameter) === name) values.push(parameter.slice(nameEnd(parameter) + 1));
    if (!parameter.includes(';')) continue;
    const [, ...others] = parameter.split(';');
    for (const other of others) if (nameOf(other) === name) values.push(`;${other}`);
  }
  return values;
}

/** A query without the parameters of these names, the rest byte for byte; undefined when nothing is left. */
export function withoutParameters(query: string, names: readonly string[]): string | undefined {
  const parameters = query.split('&');
  const kept = parameters.filter((parameter) => !names.includes(nameOf(parameter)));
  if (kept.length === parameters.length) return query;
  return kept.length === 0 ? undefined : kept.join('&');
}

function nameOf(parameter: string): string {
  const name = parameter.slice(0, nameEnd(parameter));
  if (!name.includes('%')) return name;
  return name.replace(asciiEscape, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function nameEnd(parameter: string): number {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter.length : equals;
}
