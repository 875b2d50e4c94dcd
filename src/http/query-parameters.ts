import { LooseName } from './loose-name.ts';

/**
 * The values of all parameters of one name in a query, as sent. Every spelling counts that some server takes for the
 * name. Only some servers begin a parameter at `;` too; the value of such a parameter starts with the semicolon, so no
 * caller takes it for a clean one.
 */
export function parameterValues(query: string, name: LooseName): readonly string[] {
  const values: string[] = [];
  for (const parameter of query.split('&')) {
    if (name.is(nameOf(parameter))) values.push(parameter.slice(nameEnd(parameter) + 1));
    if (!parameter.includes(';')) continue;
    const [, ...others] = parameter.split(';');
    for (const other of others) if (name.is(nameOf(other))) values.push(`;${other}`);
  }
  return values;
}

/**
 * A query without the parameters of these names, the rest byte for byte; undefined when nothing is left. Parts joined
 * to such a parameter by `;` go with it.
 */
export function withoutParameters(query: string, names: readonly string[]): string | undefined {
  const unwanted = names.map((name) => new LooseName(name));
  const parameters = query.split('&');
  const kept = parameters.filter(
    (parameter) => !unwanted.some((name) => parameter.split(';').some((part) => name.is(nameOf(part)))),
  );
  if (kept.length === parameters.length) return query;
  return kept.length === 0 ? undefined : kept.join('&');
}

function nameOf(parameter: string): string {
  return parameter.slice(0, nameEnd(parameter));
}

function nameEnd(parameter: string): number {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter.length : equals;
}
