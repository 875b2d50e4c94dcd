/** Where a Linux system keeps its programs. A path from the environment may be writable by others. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The variables that a worker gets: settings of Node.js, of its allocator and of the system's libraries. All others may
 * be secrets of the configuration. An attacker who makes a worker read a file, or run code, would find them in /proc. The
 * variables of systemd's notifications are not here either: systemd would take messages of a worker for the supervisor's.
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

/** The environment for a process that this process starts. */
export function processEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => PASSED.has(name));
  return { ...Object.fromEntries(passed), PATH: PROGRAM_PATH };
}
