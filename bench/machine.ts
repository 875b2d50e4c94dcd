import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram } from './programs.ts';

/** The properties of the machine that influence a figure. */
export function machine(): Record<string, string | number> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** First line of a program's version output; some print it to standard error or exit with 1. */
function programVersion(name: string, option = '-v'): string | undefined {
  const path = findProgram(name);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = execFileSync(path, [option], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    text = String((error as { stdout?: unknown }).stdout ?? '');
  }
  return text
    .split('\n')[0]
    ?.trim()
    .replace(/^(?:HAProxy version|wrk|h2load) | - http.*| \[epoll\].*/g, '');
}

/** Version of an installed package, from the package.json above its entry. */
function packageVersion(name: string): string | undefined {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(name));
  } catch {
    return undefined;
  }
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const described = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      if (described['name'] === name) return String(described['version']);
    } catch {
      // No package.json here; it is further up.
    }
  }
  return undefined;
}

const PACKAGES = ['autocannon', 'fastify', '@fastify/http-proxy', '@fastify/jwt'];

/** Versions of all participants; missing ones are left out. */
export function versions(): Record<string, string> {
  const [major] = process.versions.node.split('.');
  const found: Record<string, string | undefined> = {
    node: process.version,
    openssl: process.versions.openssl,
    haproxy: programVersion('haproxy'),
    wrk: programVersion('wrk'),
    h2load: programVersion('h2load', '--version'),
  };
  for (const name of [...PACKAGES, `@uwsjs/linux-x64-${major}`]) found[name] = packageVersion(name);
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
