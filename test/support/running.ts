import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../bench/programs.ts';
import { eventually } from './gateway.ts';

/** Programs that a test runs, and the folder with their files. */
export class Running {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'portcullis-programs-'));
    // The workers of nginx may run as another user.
    chmodSync(this.folder, 0o755);
  }

  /** Writes a file. Returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Resolves when the program takes connections at the port. */
  async run(program: string, args: readonly string[], port: number): Promise<void> {
    this.#children.push(spawn(findProgram(program) ?? program, args, { stdio: 'ignore' }));
    const isOpen = (): Promise<boolean> =>
      new Promise((resolve) => {
        const probe = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        probe.on('connect', () => probe.destroy());
      });
    await eventually(isOpen, (seen) => seen);
  }

  /** Ends all of them, and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#children) if (child.kill('SIGTERM')) await once(child, 'exit');
    rmSync(this.folder, { recursive: true });
  }
}
