import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bench/run.js', import.meta.url));

/** Runs the benchmark as `npm run bench` does, with the folder it may use for its files. */
export function bench(
  args: readonly string[],
  temporary = tmpdir(),
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  // Without a session the gateways keep their control sockets in the temporary folder, too.
  const { XDG_RUNTIME_DIR: _, RUNTIME_DIRECTORY: __, ...inherited } = process.env;
  const env = { ...inherited, TMPDIR: temporary };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}
