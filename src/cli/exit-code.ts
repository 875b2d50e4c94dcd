/** After sysexits.h. */
export const exitCodes = {
  ok: 0,
  /** `explain`: the request would be refused. */
  refused: 1,
  /** Wrong usage of the command line. */
  usage: 64,
  /** A port, a file or the front engine is not available. */
  unavailable: 69,
  /** A fault of ours. */
  internal: 70,
  /** Wrong configuration. */
  config: 78,
} as const;
