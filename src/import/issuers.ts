import type { Guard, IssuerSpec } from './guard.ts';
import { written } from './words.ts';

/** Shortest and longest names that our configuration takes. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The issuers of the written file, with the names that they get. */
export class Issuers {
  readonly #names = new Map<string, string>();
  readonly #plans: Record<string, Record<string, unknown>> = {};

  /** By name, in the order in which they came. */
  get plans(): Readonly<Record<string, Record<string, unknown>>> {
    return this.#plans;
  }

  /** Names of the issuers of a guard. */
  of({ issuers }: Guard): readonly string[] {
    return issuers.map((spec) => this.#of(spec));
  }

  #of(spec: IssuerSpec): string {
    const key = JSON.stringify(spec);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const base = nameOf(spec);
    let name = base;
    for (let number = 2; Object.hasOwn(this.#plans, name); number += 1) name = `${base}-${number}`;
    this.#names.set(key, name);
    this.#plans[name] = planOf(spec);
    return name;
  }
}

/** A name out of the issuer's own: `local.fusionauth.io` is `fusionauth`. */
function nameOf({ issuer = '' }: IssuerSpec): string {
  const host = /^(?:https?:\/\/)?([A-Za-z0-9.-]+)/.exec(issuer)?.[1] ?? '';
  const labels = host.split('.').filter((label) => label !== '');
  const name = (labels.length > 1 ? labels.at(-2) : labels[0])?.toLowerCase() ?? '';
  return NAME.test(name) && name !== 'none' && name !== 'deny' ? name : 'issuer';
}

function planOf(spec: IssuerSpec): Record<string, unknown> {
  const { issuer, audience, algorithms = ['RS256'], key, tolerance, require } = spec;
  const isSecret = algorithms.every((name) => name.startsWith('HS'));
  const [only] = audience ?? [];
  return {
    issuer: issuer === undefined ? 'any' : written(issuer),
    audience:
      audience === undefined
        ? 'any'
        : audience.length === 1
          ? written(only as string)
          : audience.map(written),
    algorithms: [...algorithms],
    keys: isSecret ? { secret: written(key) } : { pem: written(key) },
    ...(tolerance > 0 ? { clockTolerance: `${Math.min(tolerance, 600)}s` } : {}),
    ...(require.length > 0 ? { require: [...require] } : {}),
  };
}
