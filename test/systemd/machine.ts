import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kept between runs: making it takes half a minute and the network. */
const ROOT = process.env['PORTCULLIS_DEBIAN_ROOT'] ?? '/var/tmp/portcullis-debian-bookworm';
const MIRROR = 'http://deb.debian.org/debian';
/** Milliseconds until the machine is up, and until it is down. */
const UP_MS = 60_000;
const DOWN_MS = 20_000;
/** Real-time signal that makes systemd power off; Node.js has no name for it. */
const POWER_OFF = 'RTMIN+4';

const boot = join(import.meta.dirname, '..', '..', '..', 'test', 'systemd', 'boot.sh');

export interface Output {
  readonly code: number;
  /** Standard output and error, in the order received. */
  readonly text: string;
}

/** A Debian with a real systemd as PID 1, in its own namespaces, which leaves nothing behind. */
export class Machine {
  readonly #unshare: ChildProcess;
  readonly #pid: string;
  readonly #group: string;
  readonly #top: string;

  private constructor(unshare: ChildProcess, pid: string, group: string, top: string) {
    this.#unshare = unshare;
    this.#pid = pid;
    this.#group = group;
    this.#top = top;
  }

  /** @param share a folder that appears in it as `/srv`. */
  static async boot(share: string): Promise<Machine> {
    makeRoot();
    const [mounted] = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \S+ cgroup2 /m) ?? [];
    if (mounted === undefined) throw new Error('no cgroup v2 hierarchy is mounted');
    const group = join(mounted.split(' ')[1] as string, `portcullis-test-${process.pid}`);
    const top = mkdtempSync(join(tmpdir(), 'portcullis-machine-'));
    mkdirSync(group);
    const script = `echo $$ > ${group}/cgroup.procs && exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --net bash ${boot} ${ROOT} ${share} ${top}`;
    const unshare = spawn('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    unshare.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const deadline = performance.now() + UP_MS;
    for (;;) {
      const pid = spawnedBy(unshare.pid as number);
      const machine = pid === undefined ? undefined : new Machine(unshare, pid, group, top);
      const state = (await machine?.run('systemctl is-system-running'))?.text.trim();
      if (machine !== undefined && (state === 'running' || state === 'degraded')) return machine;
      if (unshare.exitCode !== null || performance.now() > deadline) {
        unshare.kill('SIGKILL');
        throw new Error(`systemd did not come up (${state ?? 'no process'}): ${errors}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Runs a line of shell in it. */
  run(line: string): Promise<Output> {
    return new Promise((resolve) => {
      const path = 'PATH=/srv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      const args = ['-t', this.#pid, '-a', '/usr/bin/env', '-i', path, 'HOME=/root', 'LC_ALL=C.UTF-8'];
      execFile('nsenter', [...args, 'bash', '-c', `exec 2>&1\n${line}`], (error, stdout) => {
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          text: stdout,
        });
      });
    });
  }

  /** As `run`, for commands that must succeed. */
  async do(line: string): Promise<string> {
    const { code, text } = await this.run(line);
    if (code !== 0) throw new Error(`${line} ended with ${code}: ${text}`);
    return text;
  }

  /** Runs a line of shell repeatedly until its output fits. */
  async until(line: string, wanted: RegExp, ms = 20_000): Promise<string> {
    const deadline = performance.now() + ms;
    for (;;) {
      const { text } = await this.run(line);
      if (wanted.test(text)) return text;
      if (performance.now() > deadline) throw new Error(`${line} does not print ${wanted}: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async close(): Promise<void> {
    const ended = once(this.#unshare, 'exit');
    execFileSync('kill', ['-s', POWER_OFF, this.#pid]);
    const late = setTimeout(() => this.#unshare.kill('SIGKILL'), DOWN_MS);
    await ended;
    clearTimeout(late);
    removeGroup(this.#group);
    rmSync(this.#top, { recursive: true });
  }
}

function makeRoot(): void {
  const done = join(ROOT, 'etc', 'portcullis-test-root');
  if (existsSync(done)) return;
  const fresh = `${ROOT}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const packages = '--include=systemd,systemd-sysv,dbus,procps';
  execFileSync('debootstrap', ['--variant=minbase', packages, 'bookworm', fresh, MIRROR], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(ROOT, { recursive: true, force: true });
  renameSync(fresh, ROOT);
  writeFileSync(done, '');
}

function spawnedBy(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] || undefined;
  } catch {
    return undefined; // It has ended, which the caller sees.
  }
}

/** A group is removed after those below it. */
function removeGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}
