import { type Subprocess, type Subprocesses, scriptBeside } from '../subprocesses.ts';
import type { LoadResult } from './load.ts';
import type { SidePlan, SideState } from './side-clients.ts';

/** WebSockets by HTTP/1.1, each of which has had one right echo, or one large message. */
export interface WebSocketPlan extends SidePlan {
  /** The path of their requests. */
  readonly path: string;
}

/** What they do next. */
export type WebSocketWork =
  | { readonly kind: 'add'; readonly connections: number }
  /** Each sends its next message when the last one is back. */
  | { readonly kind: 'echo'; readonly seconds: number; readonly connections: number }
  /** They get that many large messages together. */
  | { readonly kind: 'download'; readonly messages: number };

export type WebSocketResult = LoadResult & SideState;

/** WebSockets in a process of their own. */
export class WebSockets {
  readonly #subprocess: Subprocess;

  private constructor(subprocess: Subprocess) {
    this.#subprocess = subprocess;
  }

  /** Fails unless every one opens and gets its first message. */
  static async open(subprocesses: Subprocesses, plan: WebSocketPlan): Promise<WebSockets> {
    const subprocess = subprocesses.fork('load', scriptBeside(import.meta.url, 'websocket-clients'));
    subprocess.process.send(plan);
    await subprocess.message();
    return new WebSockets(subprocess);
  }

  /** The result counts the messages that were right. */
  async do(work: WebSocketWork): Promise<WebSocketResult> {
    const reply = this.#subprocess.message();
    this.#subprocess.process.send(work);
    return (await reply) as WebSocketResult;
  }

  async close(): Promise<void> {
    await this.#subprocess.stop();
  }
}
