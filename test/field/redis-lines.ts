import { createHash } from 'node:crypto';

/** A line as a gateway writes it; any program can write one. */
export function lineOf(members: object): string {
  const json = JSON.stringify(members);
  return `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}`;
}
