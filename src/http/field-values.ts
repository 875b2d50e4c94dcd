import type { RequestHead } from './message.ts';

/** The values of all fields of a name, in their order. @param wanted in lower case. */
export function valuesOf({ names, values }: RequestHead, wanted: string): readonly string[] {
  return values.filter((_, at) => names[at] === wanted);
}
