import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { findProgram } from '../../bench/programs.ts';

/** An event of a page, by the DevTools protocol. */
export interface PageEvent {
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: each method has parameters of its own.
  readonly params: any;
}

interface Answer extends Partial<PageEvent> {
  readonly id?: number;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** A headless Chromium, driven over the pipe of its DevTools protocol. */
export class Chromium {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** By session. */
  readonly #pages = new Map<string, Page>();
  #last = 0;
  #received = '';

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const answers = child.stdio[4] as Readable;
    answers.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    child.on('exit', () => {
      for (const answer of this.#waiting.values()) answer({ error: { message: 'Chromium has ended' } });
    });
  }

  /** @param args switches beside those that every test needs. */
  static async start(args: readonly string[] = []): Promise<Chromium> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-chromium-'));
    const own = [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-background-networking', '--remote-debugging-pipe', `--user-data-dir=${folder}`],
    ];
    const child = spawn(findProgram('chromium') ?? 'chromium', [...own, ...args, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // Its own group, so that none of its processes is left.
      detached: true,
    });
    const chromium = new Chromium(child, folder);
    await chromium.#send('Browser.getVersion');
    return chromium;
  }

  /** Opens a page. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, params) => this.#send(method, params, sessionId as string));
    this.#pages.set(sessionId as string, page);
    await page.go(url);
    return page;
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.pid !== undefined) {
      process.kill(-this.#child.pid, 'SIGKILL');
      await exited;
    }
    // Processes of it may still write for a moment.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result = {}, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      (this.#child.stdio[3] as Duplex).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Messages end with a zero byte. */
  #take(text: string): void {
    const messages = (this.#received + text).split('\0');
    this.#received = messages.pop() ?? '';
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer;
      const { id, sessionId = '', method, params } = answer;
      if (id !== undefined) this.#waiting.get(id)?.(answer);
      else if (method !== undefined) this.#pages.get(sessionId)?.events.push({ method, params });
    }
  }
}

/** A page in a Chromium. */
export class Page {
  /** All events so far, of the domains that a test has enabled. */
  readonly events: PageEvent[] = [];
  readonly #send: (method: string, params?: object) => Promise<Record<string, unknown>>;

  constructor(send: (method: string, params?: object) => Promise<Record<string, unknown>>) {
    this.#send = send;
  }

  /** Calls a method of the DevTools protocol. */
  call(method: string, params?: object): Promise<Record<string, unknown>> {
    return this.#send(method, params);
  }

  /** Goes to a URL, and waits until its document is complete. */
  async go(url: string): Promise<void> {
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await this.run(
      `new Promise((resolve) => document.readyState === 'complete' ? resolve() : addEventListener('load', () => resolve()))`,
    );
  }

  /** Evaluates an expression in the page, and resolves with its value, also with that of a promise. */
  async run(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as {
      result: { readonly value?: unknown };
      exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
    };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }
}
