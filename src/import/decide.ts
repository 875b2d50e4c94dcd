import type { Cell } from './cell.ts';
import { canBe, type Guard, guardOf } from './guard.ts';
import type { Leaf } from './leaf.ts';
import type { Place } from './proxy.ts';
import type { Rule } from './rule.ts';
import { type Atom, Fork, type Headed, type Scene, walk } from './walk.ts';
import { isWalkThrough } from './walk-through.ts';

/** What a cell's requests get. */
export type Decision =
  | {
      readonly kind: 'serve';
      readonly backend: Place;
      readonly guard: Guard | undefined;
      readonly headers: readonly Headed[];
      readonly removed: readonly string[];
      readonly rules: readonly Rule[];
      /** Its refusals are those of the walk-through, to the letter. */
      readonly isWalkThrough: boolean;
    }
  /** Refused, as in HAProxy; or closed because `lost` cannot be carried, and would else let in what HAProxy refuses. */
  | {
      readonly kind: 'deny';
      readonly backend: Place | undefined;
      readonly rules: readonly Rule[];
      readonly lost: readonly Rule[];
    }
  | { readonly kind: 'answer'; readonly backend: Place | undefined; readonly rules: readonly Rule[] }
  | { readonly kind: 'https' }
  | { readonly kind: 'unserved' };

/** Ways through the rules for one cell: real files have below 50. Beyond, the cell is closed. */
const MAX_LEAVES = 1024;
/** Demands on tokens in one cell: real files have 6 to 12. */
const MAX_TOKEN_ATOMS = 13;

/** Decides about a cell by all ways through the rules. */
export function decide(scene: Scene, cell: Cell, notes: Set<Rule>): Decision {
  const atoms = new Map<string, Atom>();
  const leaves = explore(scene, cell, atoms);
  if (leaves === undefined) return closed(undefined, [], scene);
  const kinds = new Set(leaves.map(({ outcome }) => outcome.kind));
  const [only] = kinds;
  const [first] = leaves;
  if (kinds.size === 1 && first !== undefined) {
    if (only === 'https' || only === 'unserved') return { kind: only };
    if (only === 'answer') return { kind: 'answer', backend: backendOf(leaves), rules: rulesOf(leaves) };
    if (only === 'deny') return denial(leaves);
  }
  if (!kinds.has('forward')) {
    return kinds.has('deny')
      ? denial(leaves)
      : { kind: 'answer', backend: backendOf(leaves), rules: rulesOf(leaves) };
  }
  return serve(leaves, atoms, notes);
}

/** All ways through the rules; undefined if there are too many. */
function explore(scene: Scene, cell: Cell, atoms: Map<string, Atom>): readonly Leaf[] | undefined {
  const leaves: Leaf[] = [];
  const open: ReadonlyMap<string, boolean>[] = [new Map()];
  for (let known = open.pop(); known !== undefined; known = open.pop()) {
    try {
      leaves.push({ known, outcome: walk(scene, cell, known) });
    } catch (error) {
      if (!(error instanceof Fork)) throw error;
      const { atom } = error;
      atoms.set(atom.key, atom);
      for (const value of [true, false]) {
        if (isPossible(atom, value, known, atoms)) open.push(new Map([...known, [atom.key, value]]));
      }
    }
    if (leaves.length + open.length > MAX_LEAVES) return undefined;
  }
  return leaves;
}

/** Whether the value fits those that are known: `iss` cannot have two values. */
function isPossible(
  { token }: Atom,
  value: boolean,
  known: ReadonlyMap<string, boolean>,
  atoms: ReadonlyMap<string, Atom>,
): boolean {
  if (token === undefined) return true;
  for (const [key, other] of known) {
    const rival = atoms.get(key)?.token;
    if (rival !== undefined && !canBe(token, value, rival, other)) return false;
  }
  return true;
}

function serve(leaves: readonly Leaf[], atoms: ReadonlyMap<string, Atom>, notes: Set<Rule>): Decision {
  const tokens = [...atoms.values()].filter(({ token }) => token !== undefined);
  if (tokens.length > MAX_TOKEN_ATOMS) return closed(backendOf(leaves), blamed(leaves, tokens), undefined);
  const sets = sufficient(leaves, tokens);
  if (sets.length === 0) return closed(backendOf(leaves), blamed(leaves, tokens), undefined);
  let guard: Guard | undefined;
  if (!sets.some(({ length }) => length === 0)) {
    guard = guardOf(sets.map((set) => set.map((key) => atoms.get(key)?.token as NonNullable<Atom['token']>)));
    if (guard === undefined) return closed(backendOf(leaves), blamed(leaves, tokens), undefined);
  }
  const [least = []] = sets;
  const reached = leaves.filter(({ known }) => isAbove(known, least, tokens));
  const met = new Map(least.map((key) => [key, true]));
  // As for a client that sends nothing that these comparisons look for, with a token that just suffices.
  const usual = (leaf: Leaf, mayDiffer: (atom: Atom) => boolean): boolean =>
    [...leaf.known].every(([key, value]) => {
      const atom = atoms.get(key) as Atom;
      return !value || least.includes(key) || !isPossible(atom, false, met, atoms) || mayDiffer(atom);
    });
  const isForeign = ({ token, isClients }: Atom): boolean => token === undefined && !isClients;
  const alike = reached.filter((leaf) => usual(leaf, isForeign));
  const chosen = alike.find((leaf) => usual(leaf, () => false)) ?? alike[0];
  if (chosen === undefined) return closed(backendOf(leaves), blamed(leaves, tokens), undefined);
  const { backend } = chosen.outcome;
  if (backend === undefined) return closed(undefined, blamed(leaves, tokens), undefined);
  const choosers = alike.flatMap(({ outcome }) =>
    outcome.passed.filter(({ action }) => action.kind === 'backend'),
  );
  if (alike.some(({ outcome }) => outcome.backend !== backend)) return closed(backend, choosers, undefined);
  for (const { outcome } of reached) {
    if (outcome.backend === backend) continue;
    for (const rule of outcome.passed) if (rule.action.kind === 'backend') notes.add(rule);
  }
  const headers = chosen.outcome.headers;
  for (const { outcome } of reached) {
    for (const { rule } of outcome.headers)
      if (!headers.some((other) => other.rule === rule)) notes.add(rule);
  }
  const removed = reached.flatMap(({ outcome }) =>
    outcome.headers.flatMap(({ rule: { action } }) =>
      action.kind === 'header' && action.of === 'request' && action.value === undefined ? [action.name] : [],
    ),
  );
  return {
    kind: 'serve',
    backend,
    guard,
    headers,
    removed: [...new Set(removed)],
    rules: rulesOf(leaves),
    isWalkThrough: isWalkThrough(leaves, atoms),
  };
}

/** Whether a way is open to tokens that meet at least these demands. */
function isAbove(
  known: ReadonlyMap<string, boolean>,
  set: readonly string[],
  tokens: readonly Atom[],
): boolean {
  return tokens.every((token) => !set.includes(token.key) || !excludes(token, known, tokens));
}

/** Whether no token that meets the demand goes this way. */
function excludes(token: Atom, known: ReadonlyMap<string, boolean>, tokens: readonly Atom[]): boolean {
  if (known.has(token.key)) return known.get(token.key) === false;
  return !isPossible(token, true, known, new Map(tokens.map((atom) => [atom.key, atom])));
}

/** The least sets of demands that suffice, whatever else is true. */
function sufficient(leaves: readonly Leaf[], tokens: readonly Atom[]): readonly (readonly string[])[] {
  const refused = leaves.filter(({ outcome }) => outcome.kind !== 'forward');
  const found: (readonly string[])[] = [];
  // Each refusal must be out of reach: the set has to hold one of the demands that the refused way does not meet.
  let sets: (readonly string[])[] = [[]];
  for (const { known } of refused) {
    const unmet = tokens.flatMap((token) => (excludes(token, known, tokens) ? [token.key] : []));
    const next: (readonly string[])[] = [];
    for (const set of sets) {
      if (set.some((key) => unmet.includes(key))) next.push(set);
      else for (const key of unmet) next.push([...set, key].sort());
    }
    sets = minimal(next);
    if (sets.length > MAX_LEAVES) return [];
  }
  for (const set of sets) {
    const isReachable = leaves.some(
      ({ known, outcome }) => outcome.kind === 'forward' && isAbove(known, set, tokens),
    );
    if (isReachable) found.push(set);
  }
  return found;
}

/** Those that hold no other one. */
function minimal(sets: readonly (readonly string[])[]): (readonly string[])[] {
  const unique = [...new Map(sets.map((set) => [set.join('\n'), set])).values()];
  return unique.filter(
    (set) => !unique.some((other) => other !== set && other.every((key) => set.includes(key))),
  );
}

function denial(leaves: readonly Leaf[]): Decision {
  const lost = leaves.flatMap(({ outcome: { rule } }) => (rule !== undefined && isLost(rule) ? [rule] : []));
  return { kind: 'deny', backend: backendOf(leaves), rules: rulesOf(leaves), lost: [...new Set(lost)] };
}

/** Whether the rule did something else than to refuse, which nothing here can do. */
function isLost({ action }: Rule): boolean {
  return action.kind === 'rewrite' || action.kind === 'foreign';
}

function closed(backend: Place | undefined, lost: readonly Rule[], scene: Scene | undefined): Decision {
  return {
    kind: 'deny',
    backend: backend ?? scene?.frontend,
    rules: [],
    lost: lost.length > 0 ? [...new Set(lost)] : [],
  };
}

/** The rules that refuse whatever the token is, where others let in; or all that refuse, if the token matters always. */
function blamed(leaves: readonly Leaf[], tokens: readonly Atom[]): readonly Rule[] {
  const refused = leaves.filter(({ outcome }) => outcome.kind !== 'forward');
  const others = refused.filter(({ known }) => !tokens.some((token) => excludes(token, known, tokens)));
  return (others.length > 0 ? others : refused).flatMap(({ outcome: { rule } }) =>
    rule === undefined ? [] : [rule],
  );
}

function backendOf(leaves: readonly Leaf[]): Place | undefined {
  return leaves.find(({ outcome }) => outcome.backend !== undefined)?.outcome.backend;
}

function rulesOf(leaves: readonly Leaf[]): readonly Rule[] {
  return [
    ...new Set(
      leaves.flatMap(({ outcome: { rule, passed } }) => (rule === undefined ? passed : [...passed, rule])),
    ),
  ];
}
