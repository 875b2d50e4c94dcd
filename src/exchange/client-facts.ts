import { clientAddress, isSecure } from '../forwarding/forwarded.ts';
import { privateResponse } from '../forwarding/private-response.ts';
import type { ResponseFields } from '../forwarding/response-fields.ts';
import type { ClientStream } from '../front/front.ts';
import type { Reply, RequestHead, RequestLines, ResponseHead } from '../http/message.ts';
import type { ExchangeContext } from './context.ts';
import type { Route } from './route.ts';

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
function speaksTls(
  { dependsOnScheme }: ResponseFields,
  client: ClientStream,
  head: RequestHead,
  { trustedProxies }: Trust,
): boolean {
  if (!dependsOnScheme || client.started) return false;
  return isSecure(head, client.scheme, client.peer(), trustedProxies);
}

/** Upstream's response as the client of a route gets it. @param wire the request that upstream got. */
export function responseOf(
  response: ResponseHead,
  { responseFields }: Route,
  wire: RequestLines | undefined,
  client: ClientStream,
  head: RequestHead,
  trust: Trust,
): ResponseHead {
  const its =
    responseFields === undefined
      ? response
      : responseFields.ofResponse(response, speaksTls(responseFields, client, head, trust));
  return wire?.tokenInUrl === true ? privateResponse(its) : its;
}

/** A reply of the gateway as the client of a route gets it. @param route undefined when no route took the request. */
export function replyOf(
  reply: Reply,
  route: Route | undefined,
  client: ClientStream,
  head: RequestHead,
  trust: Trust,
): Reply {
  const fields = route?.responseFields;
  return fields === undefined ? reply : fields.ofReply(reply, speaksTls(fields, client, head, trust));
}
