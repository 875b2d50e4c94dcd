import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { formatFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/load.ts';

/** The fixtures stay in the source tree; this file runs from the output folder. */
export const fixtures: string = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'config');

type Env = Readonly<Record<string, string>>;

/** Every fault of a text, formatted; the file is named `f`. */
export function faultsOf(text: string, env: Env = {}, cores = 4): readonly string[] {
  const result = parseConfig({ text, file: 'f', folder: fixtures, env, cores });
  return result.ok ? [] : result.faults.map(formatFault);
}

/** The configuration of a text without faults. */
export function configOf(text: string, env: Env = {}, cores = 4): Config {
  const result = parseConfig({ text, file: 'f', folder: fixtures, env, cores });
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  return result.config;
}
