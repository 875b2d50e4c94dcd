import { accessSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import { StartError } from '../lib/start-error.ts';
import { complain } from './complain.ts';

const DEFAULT_FILES = ['./portcullis.yaml', '/etc/portcullis/portcullis.yaml'] as const;

/** The file of --config, else of PORTCULLIS_CONFIG, else the first default that exists. @throws StartError */
export function findConfigFile(option: string | undefined): string {
  const chosen = option ?? process.env['PORTCULLIS_CONFIG'];
  if (chosen !== undefined && chosen !== '') return chosen;
  for (const file of DEFAULT_FILES) {
    try {
      accessSync(file);
      return file;
    } catch (error) {
      // A file that exists but may not be read is reported when it is read; the next default would hide it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return file;
    }
  }
  throw new StartError(
    `there is no configuration file: name one with --config FILE or PORTCULLIS_CONFIG, or write ${DEFAULT_FILES.join(' or ')}; portcullis init writes a first one, and portcullis demo --print-config prints one to look at`,
  );
}

/** The configuration; undefined after every fault in it has been printed. @throws StartError */
export function readConfig(file: string): Config | undefined {
  const result = loadConfig({ file, env: process.env });
  if (result.ok) return result.config;
  const { faults } = result;
  const total = `portcullis: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${file}`;
  for (const line of [...faults.map(formatFault), total]) complain('error', line);
  return undefined;
}
