import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BROKEN_OFF,
  CONNECTIONS,
  EXIT_STANDSTILL,
  type LoadLog,
  type LoadPlan,
  now,
  REQUEST_PATH,
  SERVER_FIELD,
  UNANSWERED,
  WARM_UP_CONNECTIONS,
} from './messages.ts';

// The clients of a gateway, in their own process. Each request leaves at its time, whatever became of the earlier ones.
// Takes a plan as its first message, says when the fixed times begin, ends with the second message, and sends its log.

/** Connections at one time: a gateway that holds everything for three seconds is still sent the next request. */
const MOST_CONNECTIONS = 8_000;
/**
 * Milliseconds of a closed loop before a load with a rate: code is compiled, connections are made, and tokens become known.
 * Requests at fixed times would pile up meanwhile.
 */
const WARM_UP_MS = 2_000;
/** Milliseconds between two looks at the requests that are due, and at those without a response. */
const TICK_MS = 1;
const LOOK_MS = 10;
/**
 * Milliseconds between two ticks of this process that only a machine that stands still explains: the gateway uses
 * another CPU. The requests due by then would leave at once, more than any gateway takes.
 */
const STANDSTILL_MS = 400;
/**
 * Milliseconds without a request after which a client gives a connection up, as undici does: no request may meet the end
 * of its connection by a gateway, which takes 8 s at least.
 */
const KEPT_MS = 4_000;
/** Milliseconds for the last responses, more than the gateways' own time-out. */
const LAST_MS = 5_000;

const [plan] = (await once(process, 'message')) as [LoadPlan];
const tokens = readFileSync(plan.tokenFile, 'latin1').trimEnd().split('\n');
const start: number[] = [];
const end: number[] = [];
const status: number[] = [];
const server: number[] = [];
/** The one that was used last is the last. */
const idle: Connection[] = [];
let open = 0;
let underWay = 0;

/** A connection to the gateway with one request at a time. */
class Connection {
  readonly #socket: Socket;
  #request = -1;
  #text = '';
  #usedAt = now();

  constructor() {
    open += 1;
    this.#socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (chunk: string) => this.#take(chunk));
    // What became of the request is noted when the connection closes.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#closed());
  }

  send(request: number): void {
    this.#request = request;
    const token = tokens[request % tokens.length];
    this.#socket.write(
      `GET ${REQUEST_PATH}${request} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${token}\r\n\r\n`,
    );
  }

  /** Whether it has had no request for so long that the next one needs another connection. */
  get isStale(): boolean {
    return now() - this.#usedAt > KEPT_MS;
  }

  end(): void {
    this.#socket.end();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const headEnd = this.#text.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#text.slice(0, headEnd + 2);
    const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]);
    if (this.#text.length < headEnd + 4 + length) return;
    const from = new RegExp(`\\r\\n${SERVER_FIELD}: *(\\d+)\\r\\n`, 'i').exec(head)?.[1];
    const isLast = /\r\nconnection: *close\r\n/i.test(head) || head.startsWith('HTTP/1.0');
    this.#note(Number(head.slice(9, 12)), from === undefined ? -1 : Number(from));
    this.#text = '';
    if (isLast) this.#socket.destroy();
    else if (!startNext(this)) idle.push(this);
  }

  #closed(): void {
    open -= 1;
    const at = idle.indexOf(this);
    if (at !== -1) idle.splice(at, 1);
    if (this.#request !== -1) this.#note(BROKEN_OFF, -1);
    if (isClosedLoop) begin(now());
  }

  #note(code: number, from: number): void {
    end[this.#request] = now();
    status[this.#request] = code;
    server[this.#request] = from;
    this.#request = -1;
    this.#usedAt = now();
    underWay -= 1;
  }
}

/** A closed loop: each response makes room for the next request. */
let isClosedLoop = true;

/** The next request of a closed loop leaves at once. @returns whether it did. */
function startNext(connection: Connection): boolean {
  if (!isClosedLoop) return false;
  note(now());
  connection.send(start.length - 1);
  return true;
}

function note(due: number): void {
  start.push(due);
  end.push(0);
  status.push(UNANSWERED);
  server.push(-1);
  underWay += 1;
}

function begin(due: number): void {
  note(due);
  const connection = idle.pop() ?? (open < MOST_CONNECTIONS ? new Connection() : undefined);
  if (connection === undefined) throw new Error(`${MOST_CONNECTIONS} requests wait for the gateway`);
  connection.send(start.length - 1);
}

const stop = once(process, 'message');
const connections = plan.rate === undefined ? CONNECTIONS : WARM_UP_CONNECTIONS;
for (let count = 0; count < connections; count += 1) begin(now());
if (plan.rate !== undefined) {
  await delay(WARM_UP_MS);
  isClosedLoop = false;
  const intervalMs = 1000 / plan.rate;
  let due = now();
  const ticks = setInterval(() => {
    if (now() - due > STANDSTILL_MS) process.exit(EXIT_STANDSTILL);
    for (; due <= now(); due += intervalMs) begin(due);
    // One a tick is enough, and no burst.
    if (idle[0]?.isStale === true) idle.shift()?.end();
  }, TICK_MS);
  stop.then(() => clearInterval(ticks));
  process.send?.(start.length);
}
await stop;
isClosedLoop = false;
const latest = now() + LAST_MS;
while (underWay > 0 && now() < latest) await delay(LOOK_MS);
process.send?.({ start, end, status, server } satisfies LoadLog);
