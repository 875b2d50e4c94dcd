import { clientAddress, isSecure } from '../forwarding/forwarded.ts';
import type { ResponseFields } from '../forwarding/response-fields.ts';
import type { ClientStream } from '../front/front.ts';
import type { RequestHead } from '../http/message.ts';
import type { ExchangeContext } from './context.ts';

type Trust = Pick<ExchangeContext<unknown>, 'trustedProxies'>;

/** Text of the client's address, as trusted proxies report it; undefined when the peer's is lost. */
export function addressOf(
  client: ClientStream,
  head: RequestHead,
  { trustedProxies }: Trust,
): string | undefined {
  const peer = client.peer();
  return peer === undefined ? undefined : clientAddress(head, peer, trustedProxies);
}

/** Whether a route's fields for clients with TLS apply. A response that has begun has its fields already. */
export function speaksTls(
  { dependsOnScheme }: ResponseFields,
  client: ClientStream,
  head: RequestHead,
  { trustedProxies }: Trust,
): boolean {
  if (!dependsOnScheme || client.started) return false;
  return isSecure(head, client.scheme, client.peer(), trustedProxies);
}
