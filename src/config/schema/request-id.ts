import { oneOf, section, text } from './fields.ts';

/** The ids of requests. Resolving checks the name. */
export const requestId = section({
  header: text('the name of a header such as X-Request-Id')
    .prefault('X-Request-Id')
    .describe('Header with the id, to upstream and to the client.'),
  trust: oneOf(['trustedProxies', 'everyone', 'nobody'])
    .prefault('trustedProxies')
    .describe(
      'Whose ids are kept, if they are well formed: 8 to 128 letters, digits and `._:=;+/@-`. All others are replaced by a new one, a UUID of version 7.',
    ),
});
