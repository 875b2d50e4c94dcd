import type { KeyPath } from '../fault.ts';
import type { FileIssuer } from '../schema/issuer.ts';
import type { FileKeys } from '../schema/keys.ts';
import type { Findings } from './findings.ts';

/** One source of an issuer's keys, with its algorithms. */
export interface KeySource {
  /** Undefined when the file has none, or something wrong in its place. */
  readonly keys: FileKeys | undefined;
  readonly path: KeyPath;
  /** It is one of several sources and names its algorithms itself. */
  readonly isPinned: boolean;
  /** The known algorithms. */
  readonly algorithms: readonly string[];
  /** The algorithms as the file has them. */
  readonly written: readonly string[] | undefined;
  readonly algorithmsPath: KeyPath;
}

/** The place of an algorithm's name in the file. */
export function algorithmPath(source: KeySource, name: string): KeyPath {
  return [...source.algorithmsPath, (source.written ?? []).indexOf(name)];
}

/** The sources of an issuer. Several sources name their algorithms; a single one has those of the issuer. */
export function keySources(
  issuer: FileIssuer,
  algorithms: readonly string[],
  path: KeyPath,
  findings: Findings,
): readonly KeySource[] {
  const at = [...path, 'keys'];
  if (!Array.isArray(issuer.keys)) {
    const algorithmsPath = [...path, 'algorithms'];
    const { keys, algorithms: written } = issuer;
    return [{ keys, path: at, isPinned: false, algorithms, written, algorithmsPath }];
  }
  const sources = issuer.keys.map((keys, index) => {
    const algorithmsPath = [...at, index, 'algorithms'];
    const written = keys.algorithms;
    if (written === undefined) {
      findings.missing(algorithmsPath, "a list of those of the issuer's algorithms for which these keys are");
    }
    const known = (written ?? []).filter((name: string, place: number, all: readonly string[]) => {
      if (all.indexOf(name) < place) {
        findings.fault([...algorithmsPath, place], 'stands in the list twice; must stand once');
      } else if (issuer.algorithms?.includes(name) === false) {
        findings.fault(
          [...algorithmsPath, place],
          `is not one of the issuer's algorithms; must be one of ${algorithms.join(', ')}`,
        );
      } else return algorithms.includes(name);
      return false;
    });
    return { keys, path: [...at, index], isPinned: true, algorithms: known, written, algorithmsPath };
  });
  refuseOrphans(issuer, sources, path, findings);
  return sources;
}

/** Refuses an algorithm that no source has: it could never verify a token. */
function refuseOrphans(
  issuer: FileIssuer,
  sources: readonly KeySource[],
  path: KeyPath,
  findings: Findings,
): void {
  if (sources.some(({ written }) => written === undefined)) return;
  (issuer.algorithms ?? []).forEach((name, index) => {
    if (sources.some(({ written }) => written?.includes(name))) return;
    findings.fault(
      [...path, 'algorithms', index],
      'stands at none of the sources of keys; must be left out, or be one of the algorithms of a source',
    );
  });
}
