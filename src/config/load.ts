import { dirname, resolve as resolvePath } from 'node:path';
import { freeze } from '../lib/freeze.ts';
import { StartError } from '../lib/start-error.ts';
import type { Config } from './config.ts';
import { type Fault, formatFault, formatPath, sortFaults } from './fault.ts';
import { availableCores } from './resolve/cores.ts';
import { Findings } from './resolve/findings.ts';
import type { Place } from './resolve/processes.ts';
import { resolve } from './resolve/resolve.ts';
import { validate } from './schema/validate.ts';
import type { Environment } from './source/environment.ts';
import { readObject, readText, type Source } from './source/source.ts';
import { FileError, readTextFile } from './source/text-file.ts';

export type LoadResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Bytes. Many times any real file; one of a hundred times this size would still be read in no time. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a configuration file and everything it names; see `Place.running`. Throws StartError when the file itself cannot
 * be read.
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
  /** Name of the file for messages. */
  readonly file: string;
  /** Absolute folder that relative paths start from. */
  readonly folder: string;
  readonly env: Environment;
  /** Those of this process when left out. */
  readonly cores?: number;
  readonly running?: number | undefined;
}

/** Checks the text of a configuration file: the frozen configuration, or every fault in it. */
export function parseConfig(options: ConfigText): LoadResult {
  const { text, file, folder, env, cores = availableCores(), running } = options;
  return check(readText(file, text, env), folder, { cores, embedded: false, running });
}

/** The same for a configuration given as an object, for a gateway in this process; its faults have no line. */
export function configFromObject(object: unknown, folder: string, env: Environment): LoadResult {
  return check(readObject('config', object, env), folder, { cores: availableCores(), embedded: true });
}

function check(source: Source, folder: string, place: Place): LoadResult {
  const validated = validate(source);
  const findings = new Findings(source, validated);
  // A text that is not YAML as a whole would only yield faults that follow from that.
  const readable = source.value !== undefined && source.faults.every((fault) => fault.path !== 'yaml');
  const resolved =
    validated.config === undefined || !readable
      ? undefined
      : resolve(validated.config, folder, place, findings);
  const faults = [...source.faults, ...(readable ? validated.faults : []), ...findings.faults];
  if (resolved === undefined || faults.length > 0) return { ok: false, faults: sortFaults(faults) };
  const warnings = sortFaults([...source.warnings, ...findings.warnings]).map(formatFault);
  return { ok: true, config: freeze({ ...resolved, warnings }) };
}
