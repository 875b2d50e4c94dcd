/** Clients reach the gateway over TLS, by `--tls`. */
export const overTls: boolean = process.argv.includes('--tls');

/** The engine under soak, by `--engine`; uWebSockets.js without it, which has no TLS. Where the engines differ, the expectations do. */
export const soakedEngine: string = engineIn(process.argv) ?? (overTls ? 'node' : 'uws');

function engineIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--engine' || arg.startsWith('--engine='));
  if (at < 0) return undefined;
  return args[at]?.split('=')[1] ?? args[at + 1];
}
