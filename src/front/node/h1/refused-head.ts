import { SP, tokenBytes } from '../../../http/ascii.ts';
import type { Reason } from '../../../reasons.ts';
import { readOtherTarget } from './other-target.ts';
import { faultyHead, type H1RequestHead } from './request-head.ts';
import { isTargetByte } from './request-line.ts';

/** Characters that are kept of the method and of the target: one more than a line of the access log shows. */
const METHOD_LENGTH = 33;
const TARGET_LENGTH = 1025;

const OLD_VERSION = 'HTTP/1.0';

/**
 * The head in place of one that is refused. It has the method, the path and the version as far as the request line shows
 * them, for the log alone.
 * @param from offset of the request line, which may be cut or faulty anywhere. @param to end of what has come.
 */
export function refusedHead(fault: Reason, bytes: Buffer, from: number, to: number): H1RequestHead {
  const methodEnd = endOf(bytes, from, to, isTokenByte);
  const method = bytes.toString('latin1', from, Math.min(methodEnd, from + METHOD_LENGTH));
  if (methodEnd === from || methodEnd === to || bytes[methodEnd] !== SP) return faultyHead(fault, method);
  const targetAt = methodEnd + 1;
  const targetEnd = endOf(bytes, targetAt, to, isTargetByte);
  const target = bytes.toString('latin1', targetAt, Math.min(targetEnd, targetAt + TARGET_LENGTH));
  const version = bytes.toString('latin1', targetEnd + 1, Math.min(to, targetEnd + 1 + OLD_VERSION.length));
  return faultyHead(fault, method, pathIn(method, target), version === OLD_VERSION ? 0 : 1);
}

/** The path alone: a query may hold a token, and what is no target of HTTP may hold anything. */
function pathIn(method: string, target: string): string {
  if (target[0] !== '/') return readOtherTarget(method, target)?.path ?? '';
  const question = target.indexOf('?');
  return question < 0 ? target : target.slice(0, question);
}

function isTokenByte(byte: number): boolean {
  return tokenBytes[byte] === 1;
}

function endOf(bytes: Buffer, from: number, to: number, belongs: (byte: number) => boolean): number {
  let at = from;
  while (at < to && belongs(bytes[at] as number)) at += 1;
  return at;
}
