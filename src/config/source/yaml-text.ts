import { stringify } from 'yaml';

/** A configuration as the text of a file. @param value an object for `configFromObject` */
export function yamlText(value: object): string {
  return stringify(value, { lineWidth: 0 });
}
