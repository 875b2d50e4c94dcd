import type { KeyPath } from '../fault.ts';
import { nearest } from '../schema/nearest.ts';
import type { Findings } from './findings.ts';

/**
 * Refuses a name that no entry of a section has, unless that entry is wrong itself.
 * @param what such as `an issuer`. @param known the names of the section. @param path the place of the name.
 */
export function refuseName(
  what: string,
  name: string,
  known: readonly string[],
  section: KeyPath,
  path: KeyPath,
  findings: Findings,
): void {
  if (findings.wasWrong([...section, name])) return;
  const meant = nearest(name, known);
  const right =
    meant ??
    (known.length === 0 ? `an entry of ${section.join('.')}, which is empty` : `one of ${known.join(', ')}`);
  findings.fault(
    path,
    `${findings.quote(path, name)} is not the name of ${what}; must be ${right}${meant === undefined ? '' : ' if that is meant'}`,
  );
}
