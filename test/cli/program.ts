import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const program: string = join(import.meta.dirname, '..', '..', 'src', 'main.js');

/** The folder of the gateways' control sockets; a killed gateway leaves its socket behind. */
const session = mkdtempSync(join(tmpdir(), 'portcullis-session-'));
process.once('exit', () => rmSync(session, { recursive: true }));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves with standard output so far once it matches; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<string>;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string;
  /** In a process group of its own. */
  readonly detached?: boolean;
}

/** Starts the command as a user does, in its own session, with only PATH of this process's environment. */
export function start(
  args: readonly string[],
  { cwd, env, input = '', detached = false }: Surroundings = {},
): Started {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    detached,
    env: { PATH: process.env['PATH'] ?? '', XDG_RUNTIME_DIR: session, ...env },
    stdio: 'pipe',
  });
  child.stdin.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const printed = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const match = (): void => {
        if (!pattern.test(stdout)) return;
        child.stdout.off('data', match);
        resolve(stdout);
      };
      child.stdout.on('data', match);
      ended.then(() => reject(new Error(`ended before it printed ${pattern}: ${stdout}${stderr}`)));
      match();
    });
  return { child, ended, printed };
}

export function run(args: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  return start(args, surroundings).ended;
}
