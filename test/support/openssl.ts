import { spawn } from 'node:child_process';
import { findProgram } from '../../bench/programs.ts';

/** What `openssl` printed, on both outputs, and how it ended. */
export interface OpensslRun {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs `openssl` to its end.
 * @param input its standard input, which then ends. @param when what it prints before it gets the input.
 */
export async function openssl(
  args: readonly string[],
  input: string | Buffer = '',
  when?: RegExp,
): Promise<OpensslRun> {
  const child = spawn(findProgram('openssl') ?? 'openssl', args, { stdio: 'pipe' });
  let output = '';
  let waits = true;
  const feed = (): void => {
    if (!waits || (when !== undefined && !when.test(output))) return;
    waits = false;
    child.stdin.end(input);
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      feed();
    });
  }
  // It may end before it has read all of its input.
  child.stdin.on('error', () => {});
  feed();
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}

/** Connects with `openssl s_client` to a port of this machine, and ends the connection after its handshake. */
export function sClient(port: number, args: string, input?: string, when?: RegExp): Promise<OpensslRun> {
  const options = args.split(' ').filter((arg) => arg !== '');
  return openssl(['s_client', '-connect', `127.0.0.1:${port}`, ...options], input, when);
}
