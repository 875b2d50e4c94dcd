import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './options.ts';

/** The project's folder, also when this runs as dist/bench/revision.js. */
const project = fileURLToPath(new URL('../../', import.meta.url));

/** Many times the size of the project's source. */
const ARCHIVE_BYTES = 256 * 1024 * 1024;

/**
 * Builds another revision of the project, with the installed dependencies of this one.
 * @param revision anything that git resolves to a commit. @returns the folder. @throws UsageError when it cannot be
 * built.
 */
export function buildRevision(revision: string, directory: string): string {
  const folder = join(directory, 'revision');
  mkdirSync(folder);
  try {
    const git = (...args: string[]): Buffer =>
      execFileSync('git', ['-C', project, ...args], { maxBuffer: ARCHIVE_BYTES, stdio: 'pipe' });
    const commit = git('rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`);
    const archive = git('archive', commit.toString().trim());
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
    execFileSync(join(project, 'node_modules', '.bin', 'tsc'), ['-p', folder], { stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    const why = `${stderr ?? ''}${stdout ?? ''}`.trim() || String(error);
    throw new UsageError(`--compare ${revision}: ${why}`);
  }
  return folder;
}
