import type { ClaimRule, Demand, RouteRules } from '../../config/config.ts';
import { ClaimPath } from '../read/claim-path.ts';
import { type JsonObject, member } from '../read/strict-json.ts';
import { insufficient, rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';

interface ClaimTest {
  readonly path: ClaimPath;
  readonly rule: ClaimRule;
}

/**
 * The demands of a route on the claims of a verified token: scopes, then roles, then claims in the order of the file. The
 * first one that fails decides.
 *
 * The scopes of a token are those of `scope` and `scp` together. Each is a string of scopes with spaces between them,
 * or an array of strings. Roles are a string, which is one role, or an array of strings. An array that holds anything
 * else grants nothing. Values are compared with their type: neither `"true"` nor `1` is `true`.
 */
export class Rules {
  /** The scopes that the challenge names, separated by spaces; undefined when the route demands none. */
  readonly scope: string | undefined;
  readonly #scopes: Demand | undefined;
  readonly #roles: Demand | undefined;
  readonly #claims: readonly ClaimTest[];
  readonly #lacksScope: Rejection;
  readonly #lacksRole: Rejection;

  constructor({ scopes, roles, claims }: RouteRules) {
    this.scope = scopes?.values.join(' ');
    this.#scopes = scopes;
    this.#roles = roles;
    this.#claims = claims.map((rule) => ({ path: new ClaimPath(rule.claim), rule }));
    this.#lacksScope = insufficient('scope_insufficient', this.scope);
    this.#lacksRole = insufficient('role_missing', this.scope);
  }

  /** Why these claims do not suffice; undefined when they do. `roles`: the claim that holds roles. */
  judge(claims: JsonObject, roles: ClaimPath): Rejection | undefined {
    if (this.#scopes !== undefined && !suffices(this.#scopes, scopesOf(claims))) return this.#lacksScope;
    if (this.#roles !== undefined) {
      const value = roles.find(claims);
      if (!suffices(this.#roles, typeof value === 'string' ? [value] : texts(value))) return this.#lacksRole;
    }
    for (const { path, rule } of this.#claims) {
      const fault = judgeClaim(rule, path.find(claims));
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}

function suffices({ match, values }: Demand, granted: readonly string[]): boolean {
  return match === 'any'
    ? values.some((value) => granted.includes(value))
    : values.every((value) => granted.includes(value));
}

function scopesOf(claims: JsonObject): readonly string[] {
  return [...scopeList(member(claims, 'scope')), ...scopeList(member(claims, 'scp'))];
}

/** RFC 6749 §3.3: only spaces separate scopes. */
function scopeList(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ') : texts(value);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : [];
}

function judgeClaim(rule: ClaimRule, value: unknown): Rejection | undefined {
  if (rule.kind === 'absent') return value === undefined ? undefined : rejections.ruleMismatch;
  if (value === undefined) return rejections.ruleMissing;
  return holds(rule, value) ? undefined : rejections.ruleMismatch;
}

function holds(rule: ClaimRule, value: unknown): boolean {
  if (rule.kind === 'one-of') return rule.values.some((wanted) => wanted === value);
  return rule.kind !== 'contains' || (Array.isArray(value) && value.includes(rule.value));
}
