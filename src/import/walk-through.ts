import type { Leaf } from './leaf.ts';
import type { TokenDemand } from './token-test.ts';
import type { Atom } from './walk.ts';

/** The checks of FusionAuth's walk-through in their order, with their messages, which `rejection: haproxy` has too. */
const MESSAGES = [
  ['found', 'Missing Authorization HTTP header'],
  ['alg', 'Unsupported JWT signing algorithm'],
  ['iss', 'Invalid JWT issuer'],
  ['aud', 'Invalid JWT audience'],
  ['signature', 'Invalid JWT signature'],
  ['unexpired', 'JWT has expired'],
] as const;

/** Whether each refusal is the one that the walk-through has for the first demand that is not met. */
export function isWalkThrough(leaves: readonly Leaf[], atoms: ReadonlyMap<string, Atom>): boolean {
  return leaves.every(({ known, outcome }) => {
    if (outcome.kind === 'forward') return true;
    if (outcome.kind !== 'deny' || outcome.rule?.action.kind !== 'deny') return false;
    const met = new Map<string, boolean>();
    for (const [key, value] of known) {
      const { token } = atoms.get(key) as Atom;
      const name = token === undefined ? undefined : nameOf(token.demand);
      if (name === undefined) return false;
      met.set(name, value);
    }
    const { status, contentType, body } = outcome.rule.action;
    for (const [name, message] of MESSAGES) {
      const value = met.get(name);
      if (value === undefined) return false;
      if (!value) return status === 403 && contentType === 'text/html' && body === message;
    }
    return false;
  });
}

function nameOf(demand: TokenDemand): string | undefined {
  if (demand.kind !== 'equals') return demand.kind;
  const [claim, ...more] = demand.claim;
  return more.length === 0 && (claim === 'iss' || claim === 'aud') ? claim : undefined;
}
