import { type Acls, readTest, type Surroundings, type Test } from './condition.ts';
import { readRules } from './read-rule.ts';
import type { Rules } from './rule.ts';
import type { Entry, Section, Sections } from './sections.ts';

/** A frontend, a backend, or both in one. */
export interface Place {
  readonly kind: 'frontend' | 'backend' | 'listen';
  readonly name: string;
  readonly head: Entry;
  /** With those of its defaults, which come first. */
  readonly lines: readonly Entry[];
  /** Its own lines. */
  readonly own: readonly Entry[];
  readonly isHttp: boolean;
  readonly rules: Rules;
  readonly defaultBackend: string | undefined;
}

const KINDS = new Set(['frontend', 'backend', 'listen']);

/** Keywords whose lines count one by one; of all others the last line counts. */
const OWN_ONLY = new Set(['server', 'bind', 'acl', 'server-template']);

/** Reads the frontends, backends and listen sections of a file. */
export function readProxies({ sections }: Sections, surroundings: Surroundings): readonly Place[] {
  return sections.flatMap((section) =>
    KINDS.has(section.kind) ? [readProxy(section, sections, surroundings)] : [],
  );
}

/** The lines of the defaults that a section stands on, the furthest first. */
function inherited(section: Section, sections: readonly Section[]): readonly Entry[] {
  const lines: Entry[][] = [];
  const seen = new Set<Section>();
  let from = section.from;
  while (from !== undefined) {
    const base: Section | undefined =
      typeof from === 'number'
        ? sections[from]
        : sections.find(({ kind, name }) => kind === 'defaults' && name === from);
    if (base === undefined || seen.has(base)) break;
    seen.add(base);
    lines.unshift([...base.lines]);
    from = base.from;
  }
  return lines.flat();
}

function readProxy(section: Section, sections: readonly Section[], surroundings: Surroundings): Place {
  const lines = [
    ...inherited(section, sections).filter(({ words }) => !OWN_ONLY.has(words[0] ?? '')),
    ...section.lines,
  ];
  const acls = readAcls(lines, surroundings);
  return {
    kind: section.kind as Place['kind'],
    name: section.name,
    head: section.head,
    lines,
    own: section.lines,
    isHttp: setting(lines, 'mode')?.words[1] === 'http',
    rules: readRules(lines, acls, surroundings),
    defaultBackend: setting(lines, 'default_backend')?.words[1],
  };
}

function readAcls(lines: readonly Entry[], surroundings: Surroundings): Acls {
  const acls = new Map<string, Test[]>();
  for (const { words } of lines) {
    const [keyword, name = '', ...rest] = words;
    if (keyword !== 'acl') continue;
    acls.set(name, [...(acls.get(name) ?? []), readTest(rest, surroundings)]);
  }
  return acls;
}

/** The line that counts for a keyword: the last one. */
export function setting(lines: readonly Entry[], ...keywords: readonly string[]): Entry | undefined {
  return lines.findLast(({ words }) => keywords.every((keyword, at) => words[at] === keyword));
}

/** Whether `option NAME` is on. */
export function option(lines: readonly Entry[], name: string): Entry | undefined {
  const last = lines.findLast(({ words }) => {
    const at = words[0] === 'no' ? 1 : 0;
    return words[at] === 'option' && words[at + 1] === name;
  });
  return last?.words[0] === 'no' ? undefined : last;
}
