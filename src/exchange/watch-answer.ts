import type { RequestHead, ResponseHead } from '../http/message.ts';
import { findPreflight } from '../routing/preflight.ts';
import type { Answer, AnswerOwner } from './answer.ts';
import type { ExchangeContext } from './context.ts';
import type { Route } from './route.ts';

/** Watches a response that has begun, if its route says so and its request was let in by a token. */
export function watchAnswer(
  owner: AnswerOwner,
  { answers, routes }: Pick<ExchangeContext<unknown>, 'answers' | 'routes'>,
  route: Route,
  request: RequestHead,
  response: ResponseHead,
): Answer | undefined {
  // A preflight request has no token that could end.
  if (!route.endsAnswers || findPreflight(routes, request) !== undefined) return undefined;
  return answers.add(owner, route.name, request, response);
}
