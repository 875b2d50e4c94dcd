import type { RequestHead } from './message.ts';

/** The values of all fields of a name, in their order. @param wanted in lower case. */
export function valuesOf({ names, values }: RequestHead, wanted: string): readonly string[] {
  return values.filter((_, at) => names[at] === wanted);
}

/** The items of these values, which are lists with commas (RFC 9110 §5.6.1); an empty item is ''. */
export function itemsOf(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(',')).map((item) => item.trim());
}
