import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../bench/probe.ts';
import { findProgram } from '../../bench/programs.ts';

export interface HaproxyOptions {
  /** Port on 127.0.0.1 to which accepted requests go. */
  readonly upstreamPort: number;
  /** More words for its server line, such as `send-proxy`. */
  readonly server?: string;
  /** More lines of its defaults. */
  readonly defaults?: readonly string[];
  /** The token rules of the walk-through; without them every request is accepted. */
  readonly rules?: {
    readonly issuer: string;
    readonly audience: string;
    /** Text of the PEM file; undefined names a file that does not exist. */
    readonly pem: string | undefined;
  };
  /** Asks the server for its health as HAProxy does by default: `OPTIONS / HTTP/1.0`, without Host. */
  readonly healthCheck?: true;
}

export interface Haproxy {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** Milliseconds until HAProxy must accept connections. */
const startTimeoutMs = 60_000;
/** Milliseconds between two attempts to connect while it starts. */
const attemptMs = 10;
/** Another process may take the port between its choice and HAProxy's bind; each attempt chooses anew. */
const portAttempts = 3;

/** Starts Debian's HAProxy in the foreground on a free port of 127.0.0.1 and waits until it accepts. */
export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  return startHaproxyFile((port, folder) => {
    const keyFile = join(folder, 'pubkey.pem');
    if (options.rules?.pem !== undefined) writeFileSync(keyFile, options.rules.pem);
    return haproxyConfig(port, keyFile, options);
  });
}

/** Starts HAProxy with the text of a configuration file that binds `port`. @param write gets a folder for further files */
export async function startHaproxyFile(
  write: (port: number, folder: string) => string | Promise<string>,
): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-haproxy-'));
  const configFile = join(folder, 'haproxy.cfg');
  let failure: unknown;
  for (let attempt = 0; attempt < portAttempts; attempt += 1) {
    const port = await freePort();
    writeFileSync(configFile, await write(port, folder));
    try {
      return await run(folder, configFile, port);
    } catch (error) {
      failure = error;
    }
  }
  rmSync(folder, { recursive: true, force: true });
  throw failure;
}

/** The configuration file: one frontend, the rules in the walk-through's order, one server. */
function haproxyConfig(port: number, keyFile: string, options: HaproxyOptions): string {
  const lines = [
    'global',
    '  maxconn 2000',
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 30s',
    '  timeout server 30s',
    '  timeout http-keep-alive 30s',
    ...(options.defaults ?? []).map((line) => `  ${line}`),
    'frontend gateway',
    `  bind 127.0.0.1:${port}`,
    ...ruleLines(keyFile, options.rules),
    '  default_backend app',
    'backend app',
    ...(options.healthCheck ? ['  option httpchk'] : []),
    `  server app 127.0.0.1:${options.upstreamPort}${options.healthCheck ? ' check inter 100ms fall 1 rise 1' : ''} ${options.server ?? ''}`,
  ];
  return `${lines.join('\n')}\n`;
}

function ruleLines(keyFile: string, rules: HaproxyOptions['rules']): string[] {
  if (rules === undefined) return [];
  const deny = (message: string, condition: string): string =>
    `  http-request deny content-type 'text/html' string '${message}' ${condition}`;
  const set = (name: string, expression: string): string =>
    `  http-request set-var(txn.${name}) ${expression}`;
  return [
    deny('Missing Authorization HTTP header', 'unless { req.hdr(authorization) -m found }'),
    set('alg', "http_auth_bearer,jwt_header_query('$.alg')"),
    set('iss', "http_auth_bearer,jwt_payload_query('$.iss')"),
    set('aud', "http_auth_bearer,jwt_payload_query('$.aud')"),
    set('exp', "http_auth_bearer,jwt_payload_query('$.exp','int')"),
    deny('Unsupported JWT signing algorithm', 'unless { var(txn.alg) -m str RS256 }'),
    deny('Invalid JWT issuer', `unless { var(txn.iss) -m str ${rules.issuer} }`),
    deny('Invalid JWT audience', `unless { var(txn.aud) -m str ${rules.audience} }`),
    deny('Invalid JWT signature', `unless { http_auth_bearer,jwt_verify(txn.alg,"${keyFile}") -m int 1 }`),
    set('now', 'date()'),
    deny('JWT has expired', 'if { var(txn.exp),sub(txn.now) -m int le 0 }'),
  ];
}

async function run(folder: string, configFile: string, port: number): Promise<Haproxy> {
  const program = findProgram('haproxy');
  if (program === undefined) throw new Error('haproxy is not installed');
  const child = spawn(program, ['-db', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  let over = false;
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', (error) => {
      complaints += error.message;
      end();
    });
  });
  const stop = async (): Promise<void> => {
    // SIGTERM is HAProxy's immediate stop; it does not wait for connections.
    if (!over) child.kill('SIGTERM');
    await exited;
  };
  const deadline = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  while (!over && !(await accepts(port))) {
    await new Promise((resolve) => setTimeout(resolve, attemptMs));
  }
  clearTimeout(deadline);
  if (over) throw new Error(`haproxy did not start: ${complaints}`);
  return {
    port,
    pid: child.pid as number,
    close: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
