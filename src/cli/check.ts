import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';

/** Validates the file and everything it names, and says so. */
export function check(options: { readonly config?: string }): number {
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;
  for (const warning of config.warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(`${file} is valid\n`);
  return exitCodes.ok;
}
