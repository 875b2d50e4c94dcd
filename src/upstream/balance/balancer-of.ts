import type { UpstreamConfig } from '../../config/upstream-config.ts';
import type { Balancer } from './balancer.ts';
import { BoundedHash } from './bounded-hash.ts';
import { RoundRobin } from './round-robin.ts';
import { TwoChoices } from './two-choices.ts';

/** The balancer that an upstream's configuration asks for. */
export function balancerOf(balance: UpstreamConfig['balance']): Balancer {
  if (balance === undefined) return new TwoChoices();
  if (balance === 'round-robin') return new RoundRobin();
  return balance.sticky === true ? new BoundedHash(Math.random, Number.POSITIVE_INFINITY) : new BoundedHash();
}
