import { accessSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import { StartError } from '../lib/start-error.ts';

const DEFAULT_FILES = ['./portcullis.yaml', '/etc/portcullis/portcullis.yaml'] as const;

/** The file of --config, else of PORTCULLIS_CONFIG, else the first default that exists. Throws StartError. */
export function findConfigFile(option: string | undefined): string {
  const chosen = option ?? process.env['PORTCULLIS_CONFIG'];
  if (chosen !== undefined && chosen !== '') return chosen;
  for (const file of DEFAULT_FILES) {
    try {
      accessSync(file);
      return file;
    } catch (error) {
      // One that exists but may not be looked at is told of when it is read; passing it over would hide it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return file;
    }
  }
  throw new StartError(
    `there is no configuration file: name one with --config FILE or PORTCULLIS_CONFIG, or write ${DEFAULT_FILES.join(' or ')}`,
  );
}

/** The configuration as it is now, for a gateway of so many listeners, or every fault in it, one on each line. */
export function rereadConfig(file: string, running: number): Config | readonly string[] {
  try {
    const result = loadConfig({ file, env: process.env, running });
    return result.ok ? result.config : result.faults.map(formatFault);
  } catch (error) {
    if (error instanceof StartError) return [error.message];
    throw error;
  }
}

/** The configuration, or undefined after every fault in it has been printed. Throws StartError. */
export function readConfig(file: string): Config | undefined {
  const result = loadConfig({ file, env: process.env });
  if (result.ok) return result.config;
  const { faults } = result;
  const total = `portcullis: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${file}`;
  process.stderr.write(`${[...faults.map(formatFault), total].join('\n')}\n`);
  return undefined;
}
