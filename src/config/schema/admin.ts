import * as z from 'zod';
import type { AdminAddress } from '../config.ts';
import { parseHost } from './address.ts';
import { ANY_ADDRESS, anyAddress, list, must, pattern, section, text } from './fields.ts';
import { secretHint } from './revocation.ts';

/** Names of the admin address. More would be a list of addresses, which need no entry. */
const MAX_HOSTS = 64;

const hostHint = 'a host name such as gateway.internal or an address, without port';

const host = text(hostHint).transform((value, context) => {
  const parsed = parseHost(/^\[.*\]$/.test(value) ? value.slice(1, -1) : value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `does not fit; must be ${hostHint}` });
  return z.NEVER;
});

const DEFAULT_ADMIN = '127.0.0.1:9090';

const long = section({
  address: anyAddress()
    .prefault(DEFAULT_ADMIN)
    .describe(
      'Address to listen on. It must not be an address of `listen`. Without `secret` only a loopback address or a unix socket has no warning.',
    ),
  hosts: list(host, 'a list of names such as [gateway.internal]')
    .max(MAX_HOSTS, { error: `has too many names; must be at most ${MAX_HOSTS}` })
    .describe(
      'Names that a client may send in the Host field, such as the name of a Prometheus target. The address itself and `localhost` need no entry.',
    )
    .optional(),
  secret: pattern(secretHint, /^[!-~]{1,512}$/)
    .describe(
      'Secret of everything here but `/healthz` and `/readyz`, as a bearer or in the form at `/login`. Without it there is no `POST /upstreams/NAME/servers/ADDRESS`, and the other pages are open.',
    )
    .optional(),
});

/** The admin address, alone or with further keys. */
export const admin = z
  .union([anyAddress(), long], { error: must(ANY_ADDRESS) })
  .meta({ title: `${ANY_ADDRESS}, or a mapping` })
  .transform((value): AdminAddress => {
    if (!('address' in value)) return { ...value, hosts: [] };
    const { secret } = value;
    return {
      ...value.address,
      hosts: [...new Set(value.hosts)],
      ...(secret === undefined ? {} : { secret }),
    };
  })
  .prefault(DEFAULT_ADMIN);
