import { Agent, fetch as undiciFetch } from 'undici';
import type { Fetch } from '../../src/keysets/fetch-document.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { ScriptedIssuer } from './scripted-issuer.ts';

export interface SecureIssuer {
  readonly server: ScriptedIssuer;
  /** The gateway's own client, with the certificate of this issuer among the trusted ones. */
  readonly trusting: Fetch;
  close(): Promise<void>;
}

/** An issuer on loopback over https, with a certificate that no other program knows. */
export async function startSecureIssuer(): Promise<SecureIssuer> {
  const tls = loopbackCertificate();
  const server = await ScriptedIssuer.start({ tls });
  const agent = new Agent({ connect: { ca: tls.cert } });
  const trusting = ((url: URL, init: RequestInit) =>
    undiciFetch(url, { ...init, dispatcher: agent } as object)) as unknown as Fetch;
  return {
    server,
    trusting,
    close: async () => {
      await agent.destroy();
      await server.close();
    },
  };
}
