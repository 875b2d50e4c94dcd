import type { DemoIdentity } from './identity.ts';

/** The text that the demo prints when all parts run. The indented lines can be pasted into a shell. */
export function demoText(
  identity: DemoIdentity,
  ports: {
    readonly gateway: number;
    readonly issuer: number;
    readonly admin: number;
    readonly service: number;
  },
): string {
  const { user, apiKey, applicationId } = identity;
  const login = JSON.stringify({ loginId: user.email, password: user.password, applicationId });
  const loginCurl = [
    `curl -s http://127.0.0.1:${ports.issuer}/api/login`,
    `-H 'Authorization: ${apiKey}'`,
    `-H 'Content-Type: application/json'`,
    `-d '${login}'`,
  ].join(' ');
  const takeToken = `sed -n 's/.*"token":"\\([^"]*\\)".*/\\1/p'`;
  return `portcullis demo: a whole system on this machine; nothing is written to disk

  gateway   http://127.0.0.1:${ports.gateway}    lets a request through when its token is good
  service   http://127.0.0.1:${ports.service}    what the gateway protects; it answers with what it received
  issuer    http://127.0.0.1:${ports.issuer}    hands out tokens in the way FusionAuth does
  admin     http://127.0.0.1:${ports.admin}    the status page; also /healthz /readyz /metrics /status

  issuer's name ${identity.issuer}, application ${applicationId}
  API key ${apiKey}, user ${user.email}, password ${user.password}

1. Without a token the request is refused:

  curl -i http://127.0.0.1:${ports.gateway}/orders

2. Log in, and keep the token in a shell variable:

  TOKEN=$(${loginCurl} | ${takeToken})

3. With the token the request is let in:

  curl -i http://127.0.0.1:${ports.gateway}/orders -H "Authorization: Bearer $TOKEN"

4. What the gateway counted:

  curl -s http://127.0.0.1:${ports.admin}/metrics | grep '^portcullis_'

ready: http://127.0.0.1:${ports.gateway} (Ctrl-C ends it)
`;
}
