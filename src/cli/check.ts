import type { Config } from '../config/config.ts';
import { type EngineHere, enginesHere } from '../front/engines-here.ts';
import { addressText } from '../http/host-port.ts';
import { isVulnerable, nodeVersion, vulnerableText } from '../lib/node-version.ts';
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

/** Validates the file and everything it names. Prints the result, and what would serve each address here. @returns the exit code */
export function check(options: CheckArguments): number {
  if (options.asService === true) return checkAsService(options);
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;
  const engines = enginesHere(config);
  const warnings = [...config.warnings, ...startRefusals(config, engines)];
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
  for (const { address, choice } of engines) {
    if (typeof choice !== 'string')
      process.stdout.write(`${address} is served by engine ${choice.engine} (${choice.reason})\n`);
  }
  return exitCodes.ok;
}

/** Why a start of this Node.js on this machine would be refused. The configuration may be meant for another one. */
function startRefusals({ listen }: Config, engines: readonly EngineHere[]): readonly string[] {
  const vulnerable = listen.filter(({ tls }) => tls !== undefined && isVulnerable(nodeVersion));
  return [
    ...engines.flatMap(({ choice }) => (typeof choice === 'string' ? choice : [])),
    ...vulnerable.map((address) => vulnerableText(addressText(address), nodeVersion)),
  ].map((why) => `start is refused here: ${why}`);
}
