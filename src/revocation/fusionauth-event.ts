import { foreignText } from '../lib/foreign-text.ts';
import { markText } from './mark-text.ts';

/** The meaning of a FusionAuth event for the gateway. Times are wall-clock seconds. */
export type FusionAuthEvent =
  | {
      readonly kind: 'revocation';
      readonly id: string;
      readonly createdAt: number;
      readonly sub: string | undefined;
      readonly sid: string | undefined;
      readonly application: string | undefined;
      /** Seconds that the tokens live according to the event; 0 where it does not say. */
      readonly tokenLife: number;
    }
  | { readonly kind: 'keys-changed'; readonly id: string; readonly createdAt: number }
  | { readonly kind: 'other'; readonly type: string }
  | { readonly kind: 'fault'; readonly fault: string };

/** Characters of an unknown event's type in the reply. */
const MAX_TYPE = 100;

type Members = Readonly<Record<string, unknown>>;

/** Events about all tokens of a user. FusionAuth sends the `complete` ones after it has committed the change. */
const ofUser: ReadonlySet<string> = new Set([
  'user.deactivate',
  'user.delete',
  'user.delete.complete',
  'user.password.update',
]);
/** Events about a user's tokens for one application. */
const ofRegistration: ReadonlySet<string> = new Set([
  'user.registration.delete',
  'user.registration.delete.complete',
]);

/** Reads the body of a webhook whose signature is verified. */
export function readEvent(body: Buffer): FusionAuthEvent {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return fault('the body is not JSON in UTF-8');
  }
  const event = members(members(document)?.['event']);
  const type = text(event?.['type']);
  if (event === undefined || type === undefined) return fault('event.type is missing');
  if (type === 'jwt.refresh-token.revoke') return dated(event, (id, at) => revokedTokens(event, id, at));
  if (ofUser.has(type)) return dated(event, (id, at) => user(event, id, at));
  if (ofRegistration.has(type)) return dated(event, (id, at) => registration(event, id, at));
  if (type === 'jwt.public-key.update') {
    return dated(event, (id, createdAt) => ({ kind: 'keys-changed', id, createdAt }));
  }
  // Other events are ignored, not refused: FusionAuth would send a refused event again.
  return { kind: 'other', type: foreignText(type, MAX_TYPE) };
}

function dated(event: Members, read: (id: string, createdAt: number) => FusionAuthEvent): FusionAuthEvent {
  const id = text(event['id']);
  const instant = event['createInstant'];
  if (id === undefined) return fault('event.id is missing');
  if (typeof instant !== 'number' || !(instant >= 0)) return fault('event.createInstant is missing');
  return read(id, Math.floor(instant / 1000));
}

/** One token with its session, all of a user, with or without an application, or all of an application. */
function revokedTokens(event: Members, id: string, createdAt: number): FusionAuthEvent {
  const token = members(event['refreshToken']);
  const sub = text(event['userId']) ?? text(members(event['user'])?.['id']) ?? text(token?.['userId']);
  const sid = text(token?.['id']);
  // An event without an application concerns all applications of the user.
  const application = text(event['applicationId']) ?? text(token?.['applicationId']);
  if (sub === undefined && sid === undefined && application === undefined) {
    return fault('jwt.refresh-token.revoke names neither a user nor an application');
  }
  const tokenLife = longestLife(event['applicationTimeToLiveInSeconds']);
  return { kind: 'revocation', id, createdAt, sub, sid, application, tokenLife };
}

function user(event: Members, id: string, createdAt: number): FusionAuthEvent {
  const sub = text(members(event['user'])?.['id']);
  if (sub === undefined) return fault('event.user.id is missing');
  return { kind: 'revocation', id, createdAt, sub, sid: undefined, application: undefined, tokenLife: 0 };
}

function registration(event: Members, id: string, createdAt: number): FusionAuthEvent {
  const sub = text(members(event['user'])?.['id']);
  const application = text(event['applicationId']) ?? text(members(event['registration'])?.['applicationId']);
  if (sub === undefined) return fault('event.user.id is missing');
  if (application === undefined) return fault('event.applicationId is missing');
  return { kind: 'revocation', id, createdAt, sub, sid: undefined, application, tokenLife: 0 };
}

function longestLife(value: unknown): number {
  let longest = 0;
  for (const seconds of Object.values(members(value) ?? {})) {
    if (typeof seconds === 'number' && Number.isFinite(seconds)) longest = Math.max(longest, seconds);
  }
  return longest;
}

function fault(what: string): FusionAuthEvent {
  return { kind: 'fault', fault: what };
}

function members(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? markText(value) : undefined;
}
