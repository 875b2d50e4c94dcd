import { type Line, readLine } from './words.ts';

/** One line of a section, with the comments above it. */
export interface Entry extends Line {
  readonly above: readonly string[];
  /** The conditions of the `.if` blocks around it. */
  readonly under: readonly string[];
}

/** `frontend web` and the lines below it. */
export interface Section {
  readonly kind: string;
  readonly name: string;
  /** The section of defaults that it names, or the last one before it. */
  readonly from: string | number | undefined;
  readonly head: Entry;
  readonly lines: readonly Entry[];
}

/** What a file consists of. */
export interface Sections {
  /** Comments above the first section that belong to the whole file. */
  readonly preface: readonly string[];
  readonly sections: readonly Section[];
  /** Lines that HAProxy would not take either, or that stand in no section. */
  readonly stray: readonly { readonly line: Entry; readonly why: string }[];
  /** Directives such as `.if`. */
  readonly directives: readonly Entry[];
}

const KINDS = new Set(
  'global defaults frontend backend listen peers resolvers userlist mailers program http-errors ring cache fcgi-app log-forward log-profile traces crt-store acme'.split(
    ' ',
  ),
);

/** Divides the text of a file into its sections. No text makes it fail. */
export function readSections(text: string): Sections {
  const sections: Section[] = [];
  const stray: { line: Entry; why: string }[] = [];
  const directives: Entry[] = [];
  const under: string[] = [];
  let preface: string[] = [];
  let above: string[] = [];
  let lines: Entry[] | undefined;
  let defaults: number | undefined;
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = readLine(raw, index + 1);
    const [kind = '', name = ''] = line.words;
    if (line.words.length === 0) {
      if (line.comment !== undefined) above.push(line.comment);
      else if (lines === undefined && preface.length === 0) [preface, above] = [above, []];
      return;
    }
    const entry: Entry = { ...line, above, under: [...under] };
    above = [];
    if (line.fault !== undefined) stray.push({ line: entry, why: line.fault });
    else if (kind.startsWith('.')) {
      directives.push(entry);
      follow(kind, line.text, under);
    } else if (KINDS.has(kind)) {
      // What stands above the first section, if that is of no service, is about the file.
      const isGeneral = kind === 'global' || kind === 'defaults';
      if (isGeneral && sections.every((section) => section.kind === 'global' || section.kind === 'defaults'))
        preface = [...preface, ...entry.above];
      lines = [];
      const named = line.words[2] === 'from' ? line.words[3] : name === 'from' ? line.words[2] : undefined;
      const isDefaults = kind === 'defaults';
      sections.push({
        kind,
        name: name === 'from' ? '' : name,
        from: named ?? (isDefaults ? undefined : defaults),
        head: entry,
        lines,
      });
      if (isDefaults) defaults = sections.length - 1;
    } else if (lines === undefined) stray.push({ line: entry, why: 'stands before the first section' });
    else lines.push(entry);
  });
  return { preface, sections, stray, directives };
}

/** Keeps the conditions of open blocks. */
function follow(directive: string, text: string, under: string[]): void {
  if (directive === '.if') under.push(text);
  else if (directive === '.elif' || directive === '.else') under.push(`${under.pop() ?? ''} ${text}`.trim());
  else if (directive === '.endif') under.pop();
}
