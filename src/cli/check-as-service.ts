import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../lib/start-error.ts';
import { PROGRAM_PATH } from '../process/process-environment.ts';
import { complain } from './complain.ts';

/** The unit that scripts/install installs, and the configuration file that it names. */
const SERVICE = 'portcullis.service';
const SERVICE_CONFIG = '/etc/portcullis/portcullis.yaml';
/** The folder of units that systemd forgets when the machine restarts. */
const RUNTIME_UNITS = '/run/systemd/system';
/** Milliseconds for systemd to run one check; a check that takes longer is a fault of the configuration. */
const CHECK_MS = 60_000;

export interface AsServiceOptions {
  readonly config?: string | undefined;
  /** A file with the unit, for a release that is not installed yet; the installed unit by default. */
  readonly unit?: string | undefined;
  readonly strict?: boolean | undefined;
}

/**
 * Checks a configuration as the service would see it: in a unit of its own that has the user, the sandbox, the
 * environment and the credentials of the service, drop-ins included. Prints the output of the check.
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
    const printed = readFileSync(output, 'utf8');
    if (started === undefined) {
      process.stderr.write(printed);
      return 0;
    }
    // The check wrote into a file, so its lines have no priority yet.
    for (const line of printed.split('\n')) if (line !== '') complain('error', line);
    const status = Number(property(name, 'ExecMainStatus'));
    // The check did not run: a credential, a folder or a program is missing.
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

/** Where the check differs from the service: it runs once, writes its output into a file, and has no runtime folder. */
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
    // The folder is the running service's, and would be removed when this unit ends.
    'RuntimeDirectory=',
    'WorkingDirectory=/',
    `StandardOutput=append:${output}`,
    `StandardError=append:${output}`,
    `TimeoutStartSec=${CHECK_MS / 1000}`,
    '',
  ].join('\n');
}

/** Undefined on success, else the first line that systemctl printed. */
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
