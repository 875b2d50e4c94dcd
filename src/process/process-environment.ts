/** Where the programs of a Linux system are; what the environment says may be writable by others. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What a process of the gateway takes from the environment: settings of Node.js, of its allocator and of the system's
 * libraries. Everything else stays with the supervisor, because it may be a secret of the configuration, and an attacker
 * who makes a listener read a file, or run, finds its environment in /proc. What tells a process that systemd listens to
 * it is not here either: a listener's word would count as the supervisor's.
 */
const PASSED = new Set([
  'JOURNAL_STREAM',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'MALLOC_ARENA_MAX',
  'MALLOC_CONF',
  'NODE_ENV',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'TZ',
  'UV_THREADPOOL_SIZE',
  'UV_USE_IO_URING',
]);

/** The environment of a process that this one starts from its own program. */
export function processEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => PASSED.has(name));
  return { ...Object.fromEntries(passed), PATH: PROGRAM_PATH };
}
