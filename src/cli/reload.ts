import { askReload, findGateway } from '../process/control-client.ts';
import { complain } from './complain.ts';
import { exitCodes } from './exit-code.ts';

export interface ReloadArguments {
  readonly pid?: number;
}

/**
 * Asks the gateway to read its configuration again and waits for the outcome: in force in every worker (0), or refused
 * (78), and the old one stays. @throws StartError when no gateway responds
 */
export async function reload({ pid }: ReloadArguments): Promise<number> {
  const { file, faults, warnings } = await askReload(findGateway(process.env, pid));
  for (const warning of warnings) complain('warning', `warning: ${warning}`);
  if (faults.length > 0) {
    for (const fault of faults) complain('error', fault);
    complain('error', `portcullis: ${file} is refused; the configuration before it stays in force`);
    return exitCodes.config;
  }
  process.stdout.write(`${file} is in force\n`);
  return exitCodes.ok;
}
