import { editorLine } from '../config/schema/editor-line.ts';
import { yamlText } from '../config/source/yaml-text.ts';

/** What a first configuration is made of. */
export interface FirstAnswers {
  readonly issuer: string;
  /** The place of the discovery document, as the file should have it. */
  readonly discovery: string;
  readonly allowHttp: boolean;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly upstream: string;
  readonly listen: string;
}

/**
 * A commented configuration with one issuer and one route, which demands a token.
 * @param keys a line for each key of the issuer, without line ends.
 */
export function firstConfig(answers: FirstAnswers, keys: readonly string[]): string {
  const { issuer, discovery, allowHttp, audience, algorithms, upstream, listen } = answers;
  return `${editorLine()}
# Written by portcullis init. portcullis check finds its faults, portcullis start runs it, and docs/configuration.md has
# every key.

# Where clients come in.
listen: ${value(listen)}

issuers:
  # A name of your own.
  main:
    # Must equal the claim iss of a token, letter for letter.
    issuer: ${value(issuer)}
    # Must be in the claim aud of a token, or every service of this issuer could use tokens of the others.
    audience: ${value(audience)}
    # The keys that the issuer had when this was written:
${keys.map((line) => `    #   ${line}\n`).join('')}    algorithms: [${algorithms.join(', ')}]
    # Keys are fetched from the address that this document names, and again while the gateway runs.
    keys:
      discovery: ${value(discovery)}
${allowHttp ? '      # Anyone who changes plain http on the way can put other keys in their place.\n      allowHttp: true\n' : ''}
upstreams:
  service:
    servers:
      - ${value(upstream)}

# The most specific route takes a request: host, then path, then method.
routes:
  # A route that lets everyone in:
  # - match: { path: /health }
  #   auth: none
  #   upstream: service
  - match: { path: / }
    auth: main
    upstream: service
    # What the service gets to know of the token, in headers that no client can set:
    # forward:
    #   headers: { X-User-Id: sub }
`;
}

/** A text as YAML, quoted where it would be something else. */
function value(text: string): string {
  return yamlText([text]).trimEnd().replace(/^- /, '');
}
