import { isJournal } from '../process/systemd/journal-stream.ts';

/** Prefixes of lines for the journal (sd-daemon(3)). */
const PRIORITIES = { error: '<3>', warning: '<4>' } as const;

let journal: boolean | undefined;

/** Writes a line to standard error; where that is systemd's journal, with its priority. */
export function complain(priority: keyof typeof PRIORITIES, line: string): void {
  journal ??= isJournal(process.env, process.stderr.fd);
  process.stderr.write(`${journal ? PRIORITIES[priority] : ''}${line}\n`);
}
