import { createRequire } from 'node:module';
import { StartError } from '../../lib/start-error.ts';
import { type EngineFile, engineFile } from './engine-file.ts';

/**
 * The names of uWebSockets.js that the gateway uses. The engine guarantees that header names are tokens in lower case,
 * and that values have no control characters except HTAB and DEL. `head-reader.ts` checks all else.
 */
export interface EngineRequest {
  /** Must be called before `getMethod`, which lower-cases in place. */
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  forEach(visit: (name: string, value: string) => void): void;
}

export interface EngineResponse {
  onAborted(handler: () => void): EngineResponse;
  onData(handler: (chunk: ArrayBuffer, last: boolean) => void): EngineResponse;
  onWritable(handler: (offset: number) => boolean): EngineResponse;
  pause(): void;
  resume(): void;
  cork(work: () => void): EngineResponse;
  writeStatus(status: string | Uint8Array): EngineResponse;
  writeHeader(name: string | Uint8Array, value: string | Uint8Array): EngineResponse;
  write(chunk: Uint8Array): boolean;
  tryEnd(chunk: Uint8Array, total: number): [ok: boolean, done: boolean];
  end(body?: string | Uint8Array, close?: boolean): EngineResponse;
  endWithoutBody(): EngineResponse;
  close(): EngineResponse;
  getWriteOffset(): number;
  getRemoteAddress(): ArrayBuffer;
}

export interface EngineApp {
  /** Called with 1 when a connection opens and with -1 when it has closed. */
  filter(handler: (response: EngineResponse, change: number) => void): EngineApp;
  any(pattern: string, handler: (response: EngineResponse, request: EngineRequest) => void): EngineApp;
  listen(host: string, port: number, options: number, done: (token: unknown) => void): EngineApp;
  /** Removes the file at the path and makes the socket with mode 0700. `done` gets false when the bind fails. */
  listen_unix(done: (token: unknown) => void, path: string): EngineApp;
  close(): EngineApp;
}

export interface Engine {
  App(): EngineApp;
  us_listen_socket_close(token: unknown): void;
  us_socket_local_port(token: unknown): number;
  LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  _cfg?(option: 'silent'): void;
}

const HEAD_LIMIT_VARIABLE = 'UWS_HTTP_MAX_HEADERS_SIZE';
/**
 * The engine takes heads of this many times `limits.requestHead`. Above that it sends an error page of its own, which the
 * gateway does not count. So a client whose cookies have grown gets a reply with the reason. A slow head can occupy this
 * much memory.
 */
const HEAD_SLACK = 2;

/**
 * Loads the engine from the binary that `engineFile` finds. The engine reads its bound for heads from the environment
 * once, when its binary is loaded, so the bound cannot change afterwards.
 * @param requestHeadBytes bytes of the largest accepted request head, from the request line to the empty line.
 * @throws StartError when no binary fits this platform and Node.js, when its bytes are not the expected ones, or when the
 * engine is loaded with another bound.
 */
export function loadEngine(requestHeadBytes: number, chosen?: EngineFile): Engine {
  const path = engineFile(chosen);
  if (path === undefined) throw new NoBinaryError();
  const require = createRequire(import.meta.url);
  const wanted = String(HEAD_SLACK * requestHeadBytes);
  if (require.cache[path] !== undefined && process.env[HEAD_LIMIT_VARIABLE] !== wanted) {
    throw new StartError(
      `limits.requestHead is ${Number(process.env[HEAD_LIMIT_VARIABLE]) / HEAD_SLACK} bytes in this process and cannot become ${requestHeadBytes}; start a new process`,
    );
  }
  process.env[HEAD_LIMIT_VARIABLE] = wanted;
  try {
    // Loads the binary itself, so that no script of a package runs.
    const engine = require(path) as Engine;
    engine._cfg?.('silent'); // Keeps the `uWebSockets` header out of responses.
    return engine;
  } catch (error) {
    throw new NoBinaryError(error instanceof Error ? error.message.split('\n')[0] : '', { cause: error });
  }
}

/**
 * Why the engine is absent. Undefined: `error` is about a binary that is there and differs, or that the configuration
 * names, which is no reason to do without.
 */
export function whyAbsent(error: unknown, chosen: EngineFile | undefined): string | undefined {
  return error instanceof NoBinaryError && chosen === undefined ? error.reason : undefined;
}

/** No binary of the engine runs here. */
class NoBinaryError extends StartError {
  /** Why, in a few words. */
  readonly reason: string;

  /** @param fault of the binary that is there; undefined: there is none. */
  constructor(fault?: string, options?: ErrorOptions) {
    super(sentence(fault), options);
    const { platform, arch, versions } = process;
    this.reason =
      fault === undefined
        ? `no uWebSockets.js binary for Node.js ${versions.node.split('.')[0]} on ${platform}-${arch}`
        : `the uWebSockets.js binary does not load: ${fault}`;
  }
}

function sentence(fault: string | undefined): string {
  const why = fault === undefined ? '' : `: ${fault}`;
  return (
    `the front engine uWebSockets.js has no binary here for ${process.platform}-${process.arch}, Node.js ${process.versions.node} ` +
    `(ABI ${process.versions.modules})${why}; use Node.js 20 or 22, or with glibc 2.38 also 24 or 26, on linux-x64, and run npm ci under that same version, or name a binary and its SHA-256 with uws:`
  );
}
