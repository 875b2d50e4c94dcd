import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { createLog, type Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { findConfigFile, readConfig } from './config-file.ts';
import { exitCodes } from './exit-code.ts';
import { holdSignals, onSignal, stopSignal } from './signals.ts';

export interface StartArguments {
  readonly config?: string;
  readonly sharePort?: boolean;
  readonly acceptVulnerableNode?: boolean;
}

/** Runs the gateway in the foreground until a signal stops it. @throws StartError */
export async function start(options: StartArguments): Promise<number> {
  let running: Supervisor | undefined;
  // Comes first: a signal that is not handled ends the process.
  const stopped = stopSignal(() => running?.kill());
  const release = holdSignals();
  const file = findConfigFile(options.config);
  const config = readConfig(file);
  if (config === undefined) return exitCodes.config;

  const { isJournal } = await import('../process/systemd/journal-stream.ts');
  const log = createLog({
    level: config.log.level,
    format: config.log.format,
    journal: isJournal(process.env),
  });
  for (const warning of config.warnings) log.warn({}, warning);
  // Loaded only here: loading these modules takes longer than any other command takes to run.
  const { Supervisor } = await import('../process/supervisor.ts');
  const { SystemdLink } = await import('../process/systemd/link.ts');
  let onGiveUp: (why: string) => void = () => {};
  const givenUp = new Promise<string>((giveUp) => {
    onGiveUp = giveUp;
  });
  const { ControlSocket } = await import('../process/control-socket.ts');
  const { CertificateWatch } = await import('../process/certificate-watch.ts');
  const { loadInOwnProcess, renewInOwnProcess } = await import('../process/load-process.ts');
  const { Reloader } = await import('../process/reloader.ts');
  const { ReadinessLog } = await import('../process/readiness-log.ts');
  const program = process.argv[1] as string;
  // A link may lead to another release at the next reload; the process that reads the file must be of this release.
  const reading = realpathSync(program);
  const systemd = new SystemdLink(process.env, log, () => supervisor);
  const supervisor: Supervisor = new Supervisor(config, {
    log,
    program,
    file: resolve(file),
    env: process.env,
    sharePort: options.sharePort === true,
    acceptVulnerableNode: options.acceptVulnerableNode === true,
    watched: systemd.watches,
    onGiveUp,
  });
  running = supervisor;
  const { gateway } = supervisor;
  const started = gateway.start();
  const reloader = new Reloader({
    file,
    gateway,
    systemd,
    log,
    read: () =>
      loadInOwnProcess({ program: reading, file, env: process.env, running: gateway.config.listeners }),
    started,
  });
  onSignal('SIGHUP', async () => void (await reloader.reload()));
  onSignal('SIGUSR1', async () => {
    await gateway.servers.reopenLogs();
    const accessLog = gateway.config.log.accessLog?.file;
    if (accessLog !== undefined) log.info({ file: accessLog }, 'the access log was opened again');
  });
  onSignal('SIGUSR2', async () => {
    await started;
    await roll(supervisor, log);
  });
  release();
  // Does not wait for requests or for the start: the gateway hardly serves yet, and a start may never end.
  if ((await Promise.race([started, stopped])) !== undefined) {
    supervisor.kill();
    return exitCodes.ok;
  }
  const control = await ControlSocket.start(process.env, log, () => reloader.reload());
  const { admin, webhooks } = gateway.addresses;
  log.info({ address: admin }, 'listening for health, metrics and status');
  if (webhooks !== undefined) log.info({ address: webhooks }, 'listening for webhooks');
  const { listeners, verifiers } = config;
  log.info({ config: file, version, pid: process.pid, listeners, verifiers }, 'serving');
  const watch = new ReadinessLog(gateway.view, log);
  const certificates = new CertificateWatch({
    gateway,
    log,
    read: (listed) => renewInOwnProcess({ program: reading, env: process.env, listen: listed }),
  });
  certificates.start();
  systemd.ready();

  const ending = await Promise.race([
    stopped.then((signal) => ({ signal, why: undefined })),
    givenUp.then((why) => ({ signal: undefined, why })),
  ]);
  watch.stop();
  certificates.stop();
  systemd.stopping();
  control?.close();
  const { graceMs } = gateway.config.shutdown;
  const { signal, why } = ending;
  if (why === undefined) log.info({ signal, graceMs }, 'stopping');
  else log.error({ why, graceMs }, 'stopping');
  const cut = await gateway.close({ graceMs });
  await systemd.close();
  log.info({ cut }, 'stopped');
  return why === undefined ? exitCodes.ok : exitCodes.internal;
}

async function roll(supervisor: Supervisor, log: Log): Promise<void> {
  log.info({}, 'replacing every listener');
  try {
    await supervisor.roll();
  } catch (error) {
    log.error(whyOf(error), 'not every listener was replaced');
    return;
  }
  log.info({ listeners: supervisor.gateway.config.listeners }, 'every listener was replaced');
}

function whyOf(error: unknown): object {
  return error instanceof StartError ? { why: error.message } : { error };
}
