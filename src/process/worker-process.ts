import type { Config } from '../config/config.ts';
import { Server, type ServerChange } from '../gateway/server.ts';
import { serverFigures } from '../gateway/server-figures.ts';
import { systemClock } from '../lib/clock.ts';
import { freeze } from '../lib/freeze.ts';
import { createLog, type Log } from '../lib/log.ts';
import { ProcessWatch } from '../lib/process-figures.ts';
import { failureText, StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import { RevocationReplica } from '../revocation/replica.ts';
import { LeaseClient } from './lease-client.ts';
import type { ToSupervisor, ToWorker, WorkerReport } from './messages.ts';
import { PROTOCOL } from './messages.ts';
import { RefetchRequests } from './refetch-requests.ts';
import { isJournal } from './systemd/journal-stream.ts';

/**
 * Milliseconds from SIGTERM until the worker asks to be replaced. A service manager that stops the gateway sends the
 * signal to all its processes; the supervisor then ends the worker within this time.
 */
const ALONE_MS = 500;
/** Exit code of a fault of ours (sysexits.h). */
const INTERNAL = 70;

/**
 * Serves as a supervisor tells it over the channel that this process was started with, until the channel closes.
 * Resolves with the exit code.
 */
export function workerProcess(): Promise<number> {
  return new Promise((resolve) => new WorkerProcess(resolve).start());
}

class WorkerProcess {
  readonly #exit: (code: number) => void;
  readonly #watch = new ProcessWatch();
  readonly #refetches = new RefetchRequests(
    (issuer) => void this.#send({ kind: 'refetch', issuer }),
    systemClock,
  );
  readonly #leaseClient = new LeaseClient({
    leases: () => this.#server?.leases ?? new Map(),
    ask: (limit, wanted) => void this.#send({ kind: 'want', limit, wanted }),
    clock: systemClock,
  });
  #log: Log | undefined;
  #server: Server | undefined;
  #replica: RevocationReplica | undefined;
  /** A change that is prepared, and neither committed nor abandoned. */
  #change: { readonly config: Config; readonly change: ServerChange } | undefined;
  #ending = false;
  #leaving = false;

  constructor(exit: (code: number) => void) {
    this.#exit = exit;
  }

  start(): void {
    process.on('message', (message) => this.#receive(message as ToWorker));
    process.on('disconnect', () => this.#onOrphaned());
    // A terminal's signals reach every process of the gateway. The supervisor decides what a worker does.
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {});
    // Without a handler Node.js starts its inspector.
    process.on('SIGUSR1', () => void this.#server?.records.reopen());
    process.on('SIGTERM', () => setTimeout(() => this.#leave('it was told to by SIGTERM'), ALONE_MS).unref());
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.removeAllListeners(event);
      process.on(event, (error: unknown) => this.#onFault(error));
    }
    void this.#send({ kind: 'hello', protocol: PROTOCOL, version });
  }

  /** Resolves when the message has left. Resolves also when the supervisor is gone, which `disconnect` reports. */
  #send(message: ToSupervisor): Promise<void> {
    return new Promise((resolve) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
      else resolve();
    });
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case 'configure':
        this.#configure(message.index, freeze(message.config));
        this.#server?.setTicketKeys(message.ticketKeys);
        for (const [certificate, staple] of message.staples) this.#server?.setStaple(certificate, staple);
        for (const [upstream, facts] of message.facts) this.#server?.setFacts(upstream, facts);
        this.#server?.rates.add(message.charges);
        for (const [issuer, keys] of message.keys) {
          if (keys.length > 0) this.#server?.authorizer.setKeys(issuer, keys);
        }
        return;
      case 'revoke':
        this.#replica?.add(message.revocations);
        void this.#send({ kind: 'done', id: message.id });
        return;
      case 'drop-foreign':
        this.#replica?.dropForeign();
        void this.#send({ kind: 'done', id: message.id });
        return;
      case 'keys':
        this.#server?.authorizer.setKeys(message.issuer, message.keys);
        return;
      case 'ticket-keys':
        this.#server?.setTicketKeys(message.ticketKeys);
        return;
      case 'staple':
        this.#server?.setStaple(message.certificate, message.staple);
        return;
      case 'facts':
        this.#server?.setFacts(message.upstream, message.facts);
        void this.#send({ kind: 'done', id: message.id });
        return;
      case 'refetched':
        this.#refetches.settle(message.issuer);
        return;
      case 'abandon':
        this.#abandon();
        return;
      case 'reopen':
        void this.#reopen(message.id);
        return;
      case 'ping':
        void this.#send({ kind: 'done', id: message.id });
        return;
      case 'gather':
        void this.#send({ kind: 'report', id: message.id, report: this.#report() });
        return;
      case 'lower': {
        const amount = this.#leaseClient.lower(message.limit, message.wanted);
        void this.#send({ kind: 'lowered', id: message.id, amount });
        return;
      }
      case 'raise':
        this.#leaseClient.granted(message.limit, message.amount);
        return;
      case 'charges':
        this.#server?.rates.add(message.charges);
        return;
      case 'charged':
        this.#server?.rates.heard();
        return;
      case 'retire':
        void this.#retire(message.id, message.graceMs);
        return;
      case 'close':
        // A worker that retires does not wait for its clients any longer.
        if (this.#ending) void this.#server?.close(message.graceMs);
        else void this.#end((server) => shut(server, message.graceMs));
        return;
      default:
        void this.#attempt(message);
    }
  }

  /** Handles a message that may be refused. */
  async #attempt(message: Extract<ToWorker, { kind: 'serve' | 'prepare' | 'commit' }>): Promise<void> {
    const { id } = message;
    try {
      if (message.kind === 'serve') await this.#serve();
      else if (message.kind === 'prepare') await this.#prepare(freeze(message.config));
      else this.#commit(message.keys);
      void this.#send({ kind: 'done', id });
    } catch (error) {
      if (!(error instanceof StartError)) this.#log?.error({ error }, `a listener could not ${message.kind}`);
      void this.#send({ kind: 'refused', id, why: failureText(error) });
    }
  }

  #configure(index: number, config: Config): void {
    const { level, format } = config.log;
    const log = createLog({ level, format, listener: index, journal: isJournal(process.env) });
    this.#log = log;
    const { revocation, issuers } = config;
    if (revocation !== undefined) {
      this.#replica = new RevocationReplica({ issuers, revocation, log, clock: systemClock });
    }
    this.#server = new Server(config, {
      log,
      clock: systemClock,
      refetch: (issuer) => this.#refetches.refetch(issuer),
      revocations: this.#replica?.list,
      scarce: (limit, wanted) => this.#leaseClient.want(limit, wanted),
      charge: (charges) => void this.#send({ kind: 'charge', charges }),
      onServer: (event) => void this.#send({ kind: 'server', event }),
      shared: true,
    });
  }

  async #serve(): Promise<void> {
    await this.#configured().open();
    await this.#configured().listen();
  }

  async #prepare(config: Config): Promise<void> {
    this.#abandon();
    this.#change = { config, change: await this.#configured().prepare(config) };
  }

  #commit(keys: Parameters<ServerChange['commit']>[0]): void {
    if (this.#change === undefined) throw new StartError('nothing has been prepared');
    const { config, change } = this.#change;
    change.commit(keys);
    this.#leaseClient.reset();
    this.#replica?.setIssuers(config.issuers);
    this.#change = undefined;
  }

  #abandon(): void {
    this.#change?.change.abandon();
    this.#change = undefined;
  }

  async #reopen(id: number): Promise<void> {
    await this.#server?.records.reopen();
    void this.#send({ kind: 'done', id });
  }

  #configured(): Server {
    if (this.#server === undefined) throw new Error('the listener process has not been configured');
    return this.#server;
  }

  #report(): WorkerReport {
    const server = this.#configured();
    return { figures: serverFigures(server), process: this.#watch.read(), engines: server.engines };
  }

  /** Asks for a replacement, and serves until the supervisor says that it is there. */
  #leave(why: string): void {
    if (this.#leaving || this.#ending) return;
    this.#leaving = true;
    void this.#send({ kind: 'leaving', why });
  }

  #onFault(error: unknown): void {
    if (this.#log === undefined) {
      process.stderr.write(`portcullis: internal fault: ${error instanceof Error ? error.stack : error}\n`);
      this.#exit(INTERNAL);
      return;
    }
    this.#log.error({ error, pid: process.pid }, 'a fault of ours: this listener is replaced');
    // A second fault: the exchanges in flight are not worth a process in this state.
    if (this.#leaving || this.#ending) this.#exit(INTERNAL);
    else this.#leave('it met a fault of ours');
  }

  #onOrphaned(): void {
    this.#refetches.giveUp();
    if (this.#ending) return;
    this.#log?.error({ pid: process.pid }, 'the supervisor is gone: this listener ends');
    void this.#end((server) => shut(server, server.config.shutdown.graceMs));
  }

  async #retire(id: number, graceMs: number): Promise<void> {
    await this.#server?.stopAccepting();
    void this.#send({ kind: 'done', id });
    await this.#end((server) => server.retire(graceMs));
  }

  async #end(how: (server: Server) => Promise<number>): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const server = this.#server;
    if (server !== undefined) {
      const cut = await how(server);
      await this.#send({ kind: 'closed', cut, report: this.#report() });
    }
    this.#replica?.close();
    this.#watch.close();
    this.#exit(0);
  }
}

/** @returns how many exchanges were cut. */
async function shut(server: Server, graceMs: number): Promise<number> {
  await server.stopAccepting();
  return server.close(graceMs);
}
