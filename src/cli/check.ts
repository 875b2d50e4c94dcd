import { checkAsService } from './check-as-service.ts';
import { complain } from './complain.ts';
import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';

export interface CheckArguments {
  readonly config?: string;
  /** Check in the surroundings of the service. */
  readonly asService?: boolean;
  /** A file with the unit of the service. */
  readonly unit?: string;
  /** Warnings are faults. */
  readonly strict?: boolean;
}

/** Validates the file and everything it names, and prints the result. @returns the exit code */
export function check(options: CheckArguments): number {
  if (options.asService === true) return checkAsService(options);
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;
  const { warnings } = config;
  const isStrict = options.strict === true;
  for (const warning of warnings) {
    if (isStrict) complain('error', warning);
    else complain('warning', `warning: ${warning}`);
  }
  if (isStrict && warnings.length > 0) {
    const total = `${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`;
    complain('error', `portcullis: ${total} in ${file}, and --strict takes each for a fault`);
    return exitCodes.config;
  }
  process.stdout.write(`${file} is valid\n`);
  return exitCodes.ok;
}
