import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';

export interface CheckArguments {
  readonly config?: string;
  /** Warnings are faults. */
  readonly strict?: boolean;
}

/** Validates the file and everything it names, and says so. */
export function check(options: CheckArguments): number {
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;
  const { warnings } = config;
  for (const warning of warnings)
    process.stderr.write(`${options.strict === true ? '' : 'warning: '}${warning}\n`);
  if (options.strict === true && warnings.length > 0) {
    const total = `${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`;
    process.stderr.write(`portcullis: ${total} in ${file}, and --strict takes each for a fault\n`);
    return exitCodes.config;
  }
  process.stdout.write(`${file} is valid\n`);
  return exitCodes.ok;
}
