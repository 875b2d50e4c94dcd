import { createInterface } from 'node:readline/promises';

/** One value of a command: an option has it, or a person is asked for it. */
export interface Question {
  /** Without its dashes. */
  readonly option: string;
  readonly text: string;
  readonly given: string | undefined;
  /** The answer of someone who gives none. */
  readonly fallback?: string;
  /** What is wrong with an answer; undefined for a good one. */
  obstacle(answer: string): string | undefined;
}

export type Ask = (question: Question) => Promise<string>;

/** The command line says too little, or something wrong. The message is a sentence with the remedy. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Takes answers from options alone. @throws UsageError */
export const fromOptions: Ask = async (question) => {
  const answer = question.given ?? question.fallback;
  if (answer === undefined)
    throw new UsageError(`--${question.option} is missing, and no terminal is there to ask on`);
  return checked(question, answer);
};

/** Asks on the terminal for what no option says, and again after a wrong answer. @throws UsageError after Ctrl-C or Ctrl-D */
export async function withTerminal<Result>(use: (ask: Ask) => Promise<Result>): Promise<Result> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const abort = new AbortController();
  const end = (): void => abort.abort();
  terminal.once('SIGINT', end);
  terminal.once('close', end);
  try {
    return await use(async (question) => {
      if (question.given !== undefined) return checked(question, question.given);
      for (;;) {
        const { text, fallback } = question;
        const prompt = fallback === undefined ? `${text}: ` : `${text} [${fallback}]: `;
        const answer = (await terminal.question(prompt, { signal: abort.signal })).trim() || (fallback ?? '');
        const obstacle = answer === '' ? 'is empty; must be given' : question.obstacle(answer);
        if (obstacle === undefined) return answer;
        process.stdout.write(`  ${obstacle}\n`);
      }
    });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stdout.write('\n');
    throw new UsageError('the questions were left');
  } finally {
    terminal.close();
  }
}

function checked({ option, obstacle }: Question, answer: string): string {
  const fault = obstacle(answer);
  if (fault !== undefined) throw new UsageError(`--${option} ${fault}`);
  return answer;
}
