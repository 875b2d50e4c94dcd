import { appendFileSync } from 'node:fs';
import type { VerificationBatch } from '../../src/auth/verify/worker.ts';

/**
 * Stands in for the verification module on a thread. A token is an order: `good`, `bad`, `exit`, `throw`, `reject`,
 * `short`, and `once:FILE`, which ends the thread the first time. The log of batches goes to FILE of `log:FILE`.
 */
export function verifyBatch({ tokens }: VerificationBatch): string | Promise<string> {
  for (const token of tokens) {
    const [order, file] = token.split(':');
    if (file !== undefined) appendFileSync(file, `${tokens.join(' ')}\n`);
    if (order === 'exit') process.exit(3);
    if (order === 'throw') throw new Error('the key is hunter2');
    if (order === 'reject') return Promise.reject(new Error('the key is hunter2'));
    if (order === 'short') return '';
  }
  return tokens.map((token) => (token.startsWith('good') || token.startsWith('log') ? '1' : '0')).join('');
}
