/** What tells a process that systemd listens to it; a listener's word would count as the supervisor's. */
const NOTIFYING = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'];

/** The environment of listener processes. */
export function listenerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !NOTIFYING.includes(name)));
}
