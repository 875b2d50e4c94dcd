import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

let roots: readonly X509Certificate[] | undefined;

/**
 * Whether the last certificate of a chain was issued by a certificate that neither the chain holds nor the public roots
 * that Node.js knows. Clients that do not know that issuer by themselves refuse the chain.
 * @param cert PEM, the server's own certificate first.
 */
export function hasTrustGap(cert: string): boolean {
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const last = blocks.at(-1);
  if (last === undefined) return true;
  const top = new X509Certificate(last);
  if (top.checkIssued(top)) return false;
  roots ??= rootCertificates.map((root) => new X509Certificate(root));
  return !roots.some((root) => top.checkIssued(root));
}
