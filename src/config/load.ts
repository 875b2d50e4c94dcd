import { dirname, resolve as resolvePath } from 'node:path';
import { freeze } from '../lib/freeze.ts';
import { StartError } from '../lib/start-error.ts';
import type { Config } from './config.ts';
import { type Fault, formatFault, formatPath, sortFaults } from './fault.ts';
import { availableCores } from './resolve/cores.ts';
import { Findings } from './resolve/findings.ts';
import type { Deployment } from './resolve/processes.ts';
import { resolve } from './resolve/resolve.ts';
import { validate } from './schema/validate.ts';
import type { Environment } from './source/environment.ts';
import { readObject, readText, type Source } from './source/source.ts';
import { FileError, readTextFile } from './source/text-file.ts';

export type LoadResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Bytes of a configuration file, many times more than any real file has. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a configuration file and every file it names. Throws StartError when the configuration file cannot be read.
 * @param options.running see `Deployment.running`.
 */
export function loadConfig(options: {
  readonly file: string;
  readonly env: Environment;
  readonly running?: number | undefined;
}): LoadResult {
  const { file, env, running } = options;
  let text: string;
  try {
    text = readTextFile(file, MAX_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.isOutOfReach) {
      throw new StartError(`the configuration file ${resolvePath(file)} ${error.message}`, { cause: error });
    }
    return {
      ok: false,
      faults: [{ file, line: 1, column: 1, path: formatPath([]), message: error.message }],
    };
  }
  return parseConfig({ text, file, folder: dirname(resolvePath(file)), env, running });
}

interface ConfigText {
  readonly text: string;
  /** Name of the file in messages. */
  readonly file: string;
  /** Absolute folder; relative paths start there. */
  readonly folder: string;
  readonly env: Environment;
  /** Left out: the cores of this process. */
  readonly cores?: number;
  readonly running?: number | undefined;
}

/** Checks the text of a configuration file. The result is the frozen configuration, or every fault in the text. */
export function parseConfig(options: ConfigText): LoadResult {
  const { text, file, folder, env, cores = availableCores(), running } = options;
  return check(readText(file, text, env), folder, { cores, embedded: false, running });
}

/** Checks a configuration given as an object, for a gateway in this process. Its faults have no line. */
export function configFromObject(object: unknown, folder: string, env: Environment): LoadResult {
  return check(readObject('config', object, env), folder, { cores: availableCores(), embedded: true });
}

function check(source: Source, folder: string, deployment: Deployment): LoadResult {
  const validated = validate(source);
  const findings = new Findings(source, validated);
  // In a text that is not YAML, all further faults would only follow from that one.
  const readable = source.value !== undefined && source.faults.every((fault) => fault.path !== 'yaml');
  const resolved =
    validated.config === undefined || !readable
      ? undefined
      : resolve(validated.config, folder, deployment, findings);
  const faults = [...source.faults, ...(readable ? validated.faults : []), ...findings.faults];
  if (resolved === undefined || faults.length > 0) return { ok: false, faults: sortFaults(faults) };
  const warnings = sortFaults([...source.warnings, ...findings.warnings]).map(formatFault);
  return { ok: true, config: freeze({ ...resolved, warnings }) };
}
