import { createLog } from '../lib/log.ts';
import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';
import { stopSignal } from './signals.ts';

/** Runs the gateway in the foreground until a signal stops it. Throws StartError. */
export async function start(options: { readonly config?: string }): Promise<number> {
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;

  const log = createLog({ level: config.log.level });
  for (const warning of config.warnings) log.warn({}, warning);
  const stopped = stopSignal();
  // Only here: loading the front engine and the thread pool takes longer than all of the other commands.
  const { createGateway } = await import('../gateway.ts');
  const gateway = createGateway(config, { log });
  await gateway.start();
  for (const address of gateway.addresses.listen) log.info({ address }, 'listening for traffic');
  log.info({ address: gateway.addresses.admin }, 'listening for health, metrics and status');
  const { webhooks } = gateway.addresses;
  if (webhooks !== undefined) log.info({ address: webhooks }, 'listening for webhooks');
  log.info({ config: file }, 'ready');

  const signal = await stopped;
  log.info({ signal, graceMs: config.shutdown.graceMs }, 'stopping');
  const cut = await gateway.close({ graceMs: config.shutdown.graceMs });
  log.info({ cut }, 'stopped');
  return exitCodes.ok;
}
