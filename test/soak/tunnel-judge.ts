import type { Excuses } from './excuses.ts';
import { faultsOf, type Token } from './tokens.ts';
import type { Opening, TunnelSession } from './tunnel-session.ts';

/**
 * Milliseconds after which a tunnel must have ended whose token has: far more than the second that the gateway has, because a
 * busy machine may not run this process for long.
 */
export const LATE_MS = 15_000;
/** Milliseconds for a frame to come back. */
export const ECHO_MS = 30_000;

/** One tunnel and its times, in monotonic milliseconds. */
export interface TunnelLife {
  readonly session: Pick<TunnelSession, 'fault' | 'close' | 'asked' | 'isBetween'>;
  readonly token: Token;
  readonly closedBy: string | undefined;
  readonly isDoomed: boolean;
  readonly openedAt: number;
  readonly endedAt: number;
  /** Wall-clock milliseconds. */
  readonly endedOn: number;
}

/** What it was, or why it is wrong. */
export type Found = { readonly what: string } | { readonly fault: string };

/** Judges a response that opens no tunnel, or none. */
export function judgeOpening(
  { status, reason }: Opening,
  token: Token,
  connection: { readonly isDoomed: boolean; readonly openedAt: number },
  excuses: Excuses,
  to: number,
): Found {
  const { openedAt, isDoomed } = connection;
  const isRolling = excuses.mayClose(openedAt, to);
  if (status === undefined) {
    if (isDoomed) return { what: 'its listener was killed' };
    return isRolling ? { what: 'its listener was replaced' } : { fault: 'no response' };
  }
  const isDown = excuses.isDown(['a'], openedAt, to);
  const why = `${status} ${reason}`;
  if (status === 401 && faultsOf(token, openedAt, to).some((fault) => fault === reason)) return { what: why };
  if (why === '401 token_expired' && isOver(token, Date.now())) return { what: why };
  if (isDown && (why === '502 upstream_unreachable' || why === '502 upstream_reset')) return { what: why };
  if (isRolling && (why === '503 draining' || why === '503 tunnels_exhausted')) return { what: why };
  return { fault: why };
}

/** Judges the end of a tunnel. */
export function judgeEnd(life: TunnelLife, excuses: Excuses): Found {
  const { session, token, closedBy, isDoomed, openedAt, endedAt, endedOn } = life;
  const { fault, close, asked, isBetween } = session;
  if (fault !== undefined) return { fault };
  const faults = faultsOf(token, openedAt, endedAt);
  const isRolling = excuses.mayClose(openedAt, endedAt);
  if (close !== undefined) {
    const { code, reason } = close;
    const why = `Close ${code} ${reason}`;
    if (code === 1000 && reason === '') return asked ? { what: why } : { fault: `${why}, not asked for` };
    if (why === 'Close 1008 token_expired' && isOver(token, endedOn)) return { what: why };
    if (code === 1008 && faults.some((one) => one === reason)) return { what: why };
    if (why === 'Close 1001 draining' && isRolling) return { what: why };
    return { fault: why };
  }
  if (closedBy === 'the client') return { what: 'left' };
  if (isDoomed) return { what: 'its listener was killed' };
  if (excuses.isDown(['a'], openedAt, endedAt)) return { what: 'upstream was down' };
  // Only a server in the middle of a frame keeps the Close frame from a client.
  const isEnding = isRolling || isOver(token, endedOn) || faults.some((one) => one !== undefined);
  if (!isBetween && isEnding) return { what: 'cut in the middle of a frame' };
  return { fault: `an end without Close, by ${closedBy}` };
}

/** Why a tunnel that is open is wrong; undefined: it is right. */
export function overdue(
  { dueSince }: Pick<TunnelSession, 'dueSince'>,
  token: Token,
  now: number,
): string | undefined {
  if (dueSince !== undefined && now - dueSince > ECHO_MS) return `a frame is not back after ${ECHO_MS} ms`;
  if (isOver(token, Date.now() - LATE_MS)) return `open ${LATE_MS} ms after the end of its token`;
  const isDead = !faultsOf(token, now - LATE_MS, now).includes(undefined);
  return isDead ? `open ${LATE_MS} ms after its token was refused` : undefined;
}

const isOver = ({ expires }: Token, on: number): boolean => expires !== undefined && on >= expires * 1000;
