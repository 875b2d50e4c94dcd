import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../lib/start-error.ts';
import { PROGRAM_PATH } from '../process/process-environment.ts';
import { complain } from './complain.ts';

/** The unit that scripts/install puts in place, and the file that it names. */
const SERVICE = 'portcullis.service';
const SERVICE_CONFIG = '/etc/portcullis/portcullis.yaml';
/** Where systemd takes units from that live no longer than this machine is up. */
const RUNTIME_UNITS = '/run/systemd/system';
/** Milliseconds for systemd to run one check; a check that takes longer is a fault of the configuration. */
const CHECK_MS = 60_000;

export interface AsServiceOptions {
  readonly config?: string | undefined;
  /** A file with the unit, for a release that is not installed yet; the installed unit when left out. */
  readonly unit?: string | undefined;
  readonly strict?: boolean | undefined;
}

/**
 * Checks a configuration as the service would see it: in a unit of its own with the user, the sandbox, the environment
 * and the credentials of the service's, drop-ins included. Prints what the check prints.
 * @returns its exit code. @throws StartError where there is no systemd, no such unit, or no right to start one.
 */
export function checkAsService({ config = SERVICE_CONFIG, unit, strict }: AsServiceOptions): number {
  if (process.getuid?.() !== 0) throw new StartError('check --as-service starts a unit: run it as root');
  if (!existsSync(RUNTIME_UNITS))
    throw new StartError('check --as-service needs systemd, which does not run here');
  const fragment = unit ?? property(SERVICE, 'FragmentPath');
  if (fragment === '')
    throw new StartError(`there is no unit ${SERVICE}: run scripts/install, or check without --as-service`);
  const dropIns = property(SERVICE, 'DropInPaths').split(' ').filter(Boolean);
  const folder = mkdtempSync('/run/portcullis-check-');
  const name = `portcullis-check-${process.pid}.service`;
  const file = join(RUNTIME_UNITS, name);
  const output = join(folder, 'output');
  try {
    writeFileSync(output, '');
    const command = [process.execPath, realpathSync(process.argv[1] as string), 'check', '--config', config];
    if (strict === true) command.push('--strict');
    const parts = [fragment, ...dropIns].map((path) => readFileSync(path, 'utf8'));
    writeFileSync(file, [...parts, override(command, output)].join('\n'));
    const started = run('start', name);
    const told = readFileSync(output, 'utf8');
    if (started === undefined) {
      process.stderr.write(told);
      return 0;
    }
    // The check wrote into a file and left their priority out.
    for (const line of told.split('\n')) if (line !== '') complain('error', line);
    const status = Number(property(name, 'ExecMainStatus'));
    // The check was not reached: a credential that is missing, a folder, a program.
    if (status === 0 || status >= SYSTEMD_CODES) {
      throw new StartError(
        `the service could not be started for the check: ${started} (see journalctl -u ${name})`,
      );
    }
    return status;
  } finally {
    rmSync(file, { force: true });
    rmSync(folder, { recursive: true, force: true });
    run('reset-failed', name);
  }
}

/** Exit codes from here on are systemd's own (systemd.exec(5), Process Exit Codes). */
const SYSTEMD_CODES = 200;

/** What the check does not take over: it runs once, says what it says into a file, and leaves the service's folder alone. */
function override(command: readonly string[], output: string): string {
  const line = command.map(
    (word) =>
      `"${word
        .replace(/(["\\])/g, '\\$1')
        .replaceAll('%', '%%')
        .replaceAll('$', '$$$$')}"`,
  );
  return [
    '[Unit]',
    'Description=portcullis: check of a configuration',
    'OnFailure=',
    '[Service]',
    'Type=oneshot',
    'ExecStart=',
    `ExecStart=${line.join(' ')}`,
    ...['ExecStartPre=', 'ExecStartPost=', 'ExecStop=', 'ExecStopPost=', 'ExecReload=', 'ExecCondition='],
    'Restart=no',
    'WatchdogSec=0',
    // It goes with the unit that ends, and is the running service's.
    'RuntimeDirectory=',
    'WorkingDirectory=/',
    `StandardOutput=append:${output}`,
    `StandardError=append:${output}`,
    `TimeoutStartSec=${CHECK_MS / 1000}`,
    '',
  ].join('\n');
}

/** Undefined when it went well, else what systemctl says. */
function run(...words: string[]): string | undefined {
  try {
    systemctl(words);
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr ?? error).split('\n')[0];
  }
}

function property(unit: string, name: string): string {
  return systemctl(['show', '-P', name, unit]).trim();
}

function systemctl(words: readonly string[]): string {
  return execFileSync('systemctl', [...words], {
    encoding: 'utf8',
    env: { PATH: PROGRAM_PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CHECK_MS + 10_000,
  });
}
