import type { Config } from '../config/config.ts';
import { createLog, type Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { findConfigFile, readConfig, rereadConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';
import { holdSignals, onSignal, stopSignal } from './signals.ts';

export interface StartArguments {
  readonly config?: string;
  readonly sharePort?: boolean;
}

/** Runs the gateway in the foreground until a signal stops it. Throws StartError. */
export async function start(options: StartArguments): Promise<number> {
  let running: Supervisor | undefined;
  // Before anything else: a signal that nobody listens for ends the process.
  const stopped = stopSignal(() => running?.kill());
  const release = holdSignals();
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;

  const { isJournal } = await import('../process/journal-stream.ts');
  const log = createLog({ level: config.log.level, journal: isJournal(process.env) });
  for (const warning of config.warnings) log.warn({}, warning);
  // Only here: loading all that it needs takes longer than all of the other commands.
  const { Supervisor } = await import('../process/supervisor.ts');
  const { SystemdLink } = await import('../process/systemd-link.ts');
  let onHopeless: (why: string) => void = () => {};
  const hopeless = new Promise<string>((resolve) => {
    onHopeless = resolve;
  });
  const systemd = new SystemdLink(process.env, log, () => supervisor);
  const supervisor: Supervisor = new Supervisor(config, {
    log,
    program: process.argv[1] as string,
    env: process.env,
    sharePort: options.sharePort === true,
    watched: systemd.watches,
    onHopeless,
  });
  running = supervisor;
  const started = supervisor.start();
  onSignal('SIGHUP', async () => {
    await started;
    systemd.reloading();
    await reload(supervisor, file, log);
    systemd.ready();
  });
  onSignal('SIGUSR2', async () => {
    await started;
    await roll(supervisor, log);
  });
  release();
  // Hardly anything is served yet, so there is nothing to wait for, least of all for what keeps the start from ending.
  if ((await Promise.race([started, stopped])) !== undefined) {
    supervisor.kill();
    return exitCodes.ok;
  }
  const { listen, admin, webhooks } = supervisor.addresses;
  for (const address of listen) log.info({ address }, 'listening for traffic');
  log.info({ address: admin }, 'listening for health, metrics and status');
  if (webhooks !== undefined) log.info({ address: webhooks }, 'listening for webhooks');
  const { listeners, verifiers } = config;
  log.info({ config: file, version, pid: process.pid, listeners, verifiers }, 'ready');
  systemd.ready();

  const ending = await Promise.race([
    stopped.then((signal) => ({ signal, why: undefined })),
    hopeless.then((why) => ({ signal: undefined, why })),
  ]);
  systemd.stopping();
  const { graceMs } = supervisor.config.shutdown;
  const { signal, why } = ending;
  if (why === undefined) log.info({ signal, graceMs }, 'stopping');
  else log.error({ why, graceMs }, 'stopping');
  const cut = await supervisor.close(graceMs);
  await systemd.close();
  log.info({ cut }, 'stopped');
  return why === undefined ? exitCodes.ok : exitCodes.internal;
}

/** Puts the configuration as it is now in force, or leaves the old one; either is logged. */
async function reload(supervisor: Supervisor, file: string, log: Log): Promise<void> {
  const read = rereadConfig(file, supervisor.config.listeners);
  if (isFaults(read)) {
    log.error(
      { config: file, faults: read },
      'the configuration was not reloaded: it has faults; the old one stays',
    );
    return;
  }
  try {
    await supervisor.reload(read);
  } catch (error) {
    log.error({ config: file, ...whyOf(error) }, 'the configuration was not reloaded; the old one stays');
    return;
  }
  for (const warning of read.warnings) log.warn({}, warning);
  log.info({ config: file, listen: supervisor.addresses.listen }, 'the configuration was reloaded');
}

async function roll(supervisor: Supervisor, log: Log): Promise<void> {
  log.info({}, 'replacing every listener');
  try {
    await supervisor.roll();
  } catch (error) {
    log.error(whyOf(error), 'not every listener was replaced');
    return;
  }
  log.info({ listeners: supervisor.config.listeners }, 'every listener was replaced');
}

function whyOf(error: unknown): object {
  return error instanceof StartError ? { why: error.message } : { error };
}

function isFaults(read: Config | readonly string[]): read is readonly string[] {
  return Array.isArray(read);
}
