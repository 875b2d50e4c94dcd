import type { Config } from '../config/config.ts';
import type { Gateway } from '../gateway.ts';
import { createLog, type Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { findConfigFile, readConfig, rereadConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';
import { onReloadSignal, stopSignal } from './signals.ts';

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
  let graceMs = config.shutdown.graceMs;
  // From the beginning, since the signal would end a process that does not listen for it.
  const started = gateway.start();
  onReloadSignal(async () => {
    await started;
    graceMs = (await reload(gateway, file, log))?.shutdown.graceMs ?? graceMs;
  });
  // Nothing is served yet, so there is nothing to wait for, least of all for what keeps the start from ending.
  if ((await Promise.race([started, stopped])) !== undefined) return exitCodes.ok;
  for (const address of gateway.addresses.listen) log.info({ address }, 'listening for traffic');
  log.info({ address: gateway.addresses.admin }, 'listening for health, metrics and status');
  const { webhooks } = gateway.addresses;
  if (webhooks !== undefined) log.info({ address: webhooks }, 'listening for webhooks');
  log.info({ config: file }, 'ready');

  const signal = await stopped;
  log.info({ signal, graceMs }, 'stopping');
  const cut = await gateway.close({ graceMs });
  log.info({ cut }, 'stopped');
  return exitCodes.ok;
}

/** The configuration that is in force now; undefined when the old one stays, which has been logged with the reason. */
async function reload(gateway: Gateway, file: string, log: Log): Promise<Config | undefined> {
  const read = rereadConfig(file);
  if (isFaults(read)) {
    log.error(
      { config: file, faults: read },
      'the configuration was not reloaded: it has faults; the old one stays',
    );
    return undefined;
  }
  try {
    await gateway.reload(read);
  } catch (error) {
    const why = error instanceof StartError ? error.message : undefined;
    const fields = { config: file, ...(why === undefined ? { error } : { why }) };
    log.error(fields, 'the configuration was not reloaded; the old one stays');
    return undefined;
  }
  for (const warning of read.warnings) log.warn({}, warning);
  log.info({ config: file, listen: gateway.addresses.listen }, 'the configuration was reloaded');
  return read;
}

function isFaults(read: Config | readonly string[]): read is readonly string[] {
  return Array.isArray(read);
}
