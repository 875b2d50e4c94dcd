import type { WireResponse } from '../support/wire.ts';
import type { Seen } from './labelled-servers.ts';
import type { Asked } from './requests.ts';

/** What one proxy made of a request. */
export interface Made {
  /** Undefined: the connection was closed. */
  readonly response: WireResponse | undefined;
  /** Undefined: no server got it. */
  readonly seen: Seen | undefined;
}

/** A difference between HAProxy and the gateway with its import, with its reason. None of them lets a request in. */
export interface Difference {
  readonly name: string;
  readonly why: string;
  readonly applies: (asked: Asked, theirs: Made, ours: Made, text: string) => boolean;
}

const isRefused = ({ seen, response }: Made): boolean =>
  seen === undefined && (response?.status ?? 400) >= 400;

/** All differences that may be met but for those of the spelling of a host, in the order in which they are asked. */
export const differences: readonly Difference[] = [
  {
    name: 'own refusals',
    why: 'refusals have their status by RFC 6750, and 403 or 404 without a token; HAProxy has what the rule says',
    applies: (_, theirs, ours) => isRefused(theirs) && isRefused(ours),
  },
  {
    name: 'redirect status',
    why: 'redirects to https have 308, which keeps the method; HAProxy has 302 or what the rule says',
    applies: (_, theirs, ours) =>
      /^30[12378]$/.test(String(theirs.response?.status)) && ours.response?.status === 308,
  },
  {
    name: 'own answers',
    why: 'the gateway gives no answers of its own, so it refuses what HAProxy answers itself',
    applies: (_, theirs, ours) =>
      theirs.seen === undefined && (theirs.response?.status ?? 400) < 400 && isRefused(ours),
  },
  {
    name: 'closed',
    why: 'a rule that cannot be carried over closes its route, and the import ends with 1',
    applies: (_, theirs, ours) => theirs.seen !== undefined && ours.response?.status === 403,
  },
  {
    name: 'spelling of a path',
    why: 'a path that servers may take for that of another route is refused: /API and /api beside /api/',
    applies: ({ method }, theirs, ours) =>
      theirs.seen !== undefined &&
      ours.response?.status === 400 &&
      (method === 'HEAD' || ours.response?.body.includes('request_malformed')),
  },
  {
    name: 'stricter tokens',
    why: 'a token must have its scheme, an issuer and an audience of the file, and exp ahead',
    applies: ({ token }, theirs, ours) =>
      theirs.seen !== undefined && ours.response?.status === 401 && token !== 'good',
  },
  {
    name: 'written headers',
    why: 'a header that any route writes or removes comes from no client, on all routes',
    applies: (_, theirs, ours) => {
      if (theirs.seen === undefined || ours.seen === undefined || theirs.seen.label !== ours.seen.label)
        return false;
      const kept = new Set(ours.seen.headers.map(([name]) => name));
      return theirs.seen.headers.some(([name, value]) => !kept.has(name) && /^(?:root|mine)$/.test(value));
    },
  },
  {
    name: 'choice by a header',
    why: 'no route matches headers or cookies; the file says so of the rule',
    applies: ({ fields }, theirs, ours, text) =>
      theirs.seen !== undefined &&
      ours.seen !== undefined &&
      fields.length > 0 &&
      /cook\(|hdr\(upgrade\)/.test(text),
  },
  {
    name: 'directories anywhere',
    why: 'path_dir also finds a directory in the middle of a path; a route begins at its root',
    applies: ({ path }, theirs, ours, text) =>
      theirs.seen !== undefined &&
      ours.seen !== undefined &&
      text.includes('path_dir') &&
      path.lastIndexOf('/') > 0,
  },
];

/** Header fields that differ on purpose, or that each proxy decides for itself. */
const OWN = new Set(['connection', 'keep-alive', 'x-portcullis-via', 'transfer-encoding', 'content-length']);

/** What matters of a request that a server got. */
export function essence({ label, method, url, headers }: Seen): object {
  const fields = headers
    .filter(([name]) => !OWN.has(name) && name !== 'x-forwarded-for')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  // HAProxy adds the client behind what the client claims; the gateway believes trustedProxies alone.
  const forwardedFor = headers
    .find(([name]) => name === 'x-forwarded-for')?.[1]
    .split(', ')
    .at(-1);
  return { label, method, url, fields, forwardedFor: forwardedFor === '6.6.6.6' ? undefined : forwardedFor };
}
